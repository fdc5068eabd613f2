"""GPT-2's initialisation."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.init.base import Init, Site
from blocks.linear import RESIDUAL_OUT, Role
from registry import part
from registry.types import PositiveFloat


@part("init", "gpt2", paper="Radford et al. 2019 (GPT-2), section 2.3")
class GPT2Init(Init):
    """Normal with std 0.02; maps that write into the residual stream divided by the root of the number of additions."""

    def __init__(self, *, std: PositiveFloat = 0.02) -> None:
        super().__init__()
        self.std = std

    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        nn.init.normal_(weight, std=self.std / site.branches**0.5 if role in RESIDUAL_OUT else self.std)
