"""Logits of classes for the whole sequence."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from blocks.coords import Coords
from blocks.head.base import Head
from blocks.linear import Linear
from registry import part
from registry.types import PositiveInt, Probability


@part("head", "classification", paper="Devlin et al. 2018, arXiv 1810.04805, section 3 (pool: first)")
class ClassificationHead(Head):
    """Logits of classes from one vector for the sequence, [b n m] -> [b classes].

    classes: taken from the data unless given. pool: mean over the tokens, the first token, or the last one;
    padding does not count. Raises ValueError when the number of classes is not known.
    """

    provides = frozenset({"classes"})

    def __init__(
        self,
        dim: int,
        *,
        classes: PositiveInt | None = None,
        pool: Literal["mean", "first", "last"] = "mean",
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        if classes is None:
            raise ValueError("head 'classification' needs the number of classes: set model.head.classes, or give data")
        self.pool = pool
        self.dropout = nn.Dropout(dropout)
        self.matrix = Linear(dim, classes, role="head")

    def forward(self, hidden: Tensor, at: Coords, table: Tensor) -> Tensor:
        return self.matrix(self.dropout(self._pool(hidden, at)))

    def _pool(self, hidden: Tensor, at: Coords) -> Tensor:
        valid = torch.ones_like(at.index, dtype=torch.bool) if at.valid is None else at.valid
        valid = valid.expand(len(hidden), -1)
        if self.pool == "mean":
            weights = valid.to(hidden.dtype)
            return torch.einsum("b n m, b n -> b m", hidden, weights) / weights.sum(1, keepdim=True).clamp(min=1)
        order = torch.arange(1, valid.shape[1] + 1, device=hidden.device) * valid
        chosen = order.argmax(1) if self.pool == "last" else valid.long().argmax(1)
        return hidden[torch.arange(len(hidden), device=hidden.device), chosen]
