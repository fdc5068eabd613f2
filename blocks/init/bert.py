"""BERT's initialisation."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.init.base import Init, Site
from blocks.linear import Role
from registry import part
from registry.types import PositiveFloat


@part("init", "bert", paper="Devlin et al. 2018, arXiv 1810.04805 (authors' code: truncated normal)")
class BertInit(Init):
    """Normal with std 0.02, cut at two standard deviations, for every matrix and table."""

    def __init__(self, *, std: PositiveFloat = 0.02) -> None:
        super().__init__()
        self.std = std

    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        nn.init.trunc_normal_(weight, std=self.std, a=-2 * self.std, b=2 * self.std)
