"""DETR's initialisation."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.init.base import Init, Site, is_table
from blocks.init.torch_default import TorchInit
from blocks.linear import Role
from registry import part


@part("init", "detr", paper="Carion et al. 2020 (DETR), arXiv 2005.12872, appendix A.4 (authors' code)")
class DetrInit(Init):
    """Xavier uniform; what is outside the stacks, the queries' positions too, as torch does by itself.

    Queries, keys and values start lower by a factor of sqrt(2), because the authors draw them as one matrix.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outside = TorchInit()

    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        if role in ("input", "head") or is_table(role):
            self.outside.fill(weight, role, site)
        else:
            nn.init.xavier_uniform_(weight, gain=0.5**0.5 if role in ("query", "key", "value") else 1.0)
