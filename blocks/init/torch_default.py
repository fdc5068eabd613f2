"""What torch does by itself."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.init.base import Init, Site, is_table
from blocks.linear import Role
from registry import part


@part("init", "torch", paper="He et al. 2015, arXiv 1502.01852, as torch.nn.Linear applies it")
class TorchInit(Init):
    """torch's own defaults: uniform within 1 / sqrt(inputs) for matrices, normal with std 1 for tables."""

    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        if is_table(role):
            nn.init.normal_(weight)
        else:
            bound = weight.shape[1] ** -0.5
            nn.init.uniform_(weight, -bound, bound)
