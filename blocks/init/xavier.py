"""Glorot's initialisation."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.init.base import Init, Site, is_table
from blocks.linear import Role
from registry import part


@part("init", "xavier", paper="Glorot and Bengio 2010, section 4.2; tables as in tensor2tensor")
class XavierInit(Init):
    """Uniform with variance 2 / (inputs + outputs); tables normal with std 1 / sqrt(width). The 2017 Transformer's."""

    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        if is_table(role):
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
        else:
            nn.init.xavier_uniform_(weight)
