"""Norm placements."""

from functools import partial

from blocks.placement.base import Placement, Sublayer
from blocks.placement.deepnorm import DeepNorm
from blocks.placement.parallel import Parallel
from blocks.placement.residual import Residual

Pre = partial(Residual, in_norm=True, branch_norm=False, out_norm=False, skip=1.0)
Post = partial(Residual, in_norm=False, branch_norm=False, out_norm=True, skip=1.0)

__all__ = ["DeepNorm", "Parallel", "Placement", "Post", "Pre", "Residual", "Sublayer"]
