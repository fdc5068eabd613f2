"""A normal distribution for everything."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.init.base import Init, Site
from blocks.linear import Role
from registry import part
from registry.types import PositiveFloat


@part("init", "normal", paper="Radford et al. 2018 (GPT), section 4.1; Dai et al. 2019 (authors' code)")
class NormalInit(Init):
    """Normal with std 0.02 for every matrix and table, not cut: most decoders, and Transformer-XL."""

    def __init__(self, *, std: PositiveFloat = 0.02) -> None:
        super().__init__()
        self.std = std

    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        nn.init.normal_(weight, std=self.std)
