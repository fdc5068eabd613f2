"""The steps that follow a series."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head
from blocks.linear import Linear
from registry import part
from registry.types import PositiveInt, Probability


@part("head", "forecast", paper="Nie et al. 2022 (PatchTST), arXiv 2211.14730, section 3.1 (flatten and linear head)")
class ForecastHead(Head):
    """All vectors of a row laid end to end through one linear map, [b n m] -> [b horizon values].

    Padding is left out. Of a row with more vectors than `patches` the last ones count; one with fewer has zeros before
    them. horizon: steps that follow. patches: vectors that a row has: the steps read, by those that make one vector.
    values: numbers at each step. dropout: on the vectors.
    """

    provides = frozenset({"values", "series"})

    def __init__(
        self,
        dim: int,
        *,
        horizon: PositiveInt = 24,
        patches: PositiveInt = 12,
        values: PositiveInt = 1,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.horizon, self.patches = horizon, patches
        self.dropout = nn.Dropout(dropout)
        self.matrix = Linear(patches * dim, horizon * values, role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        slots = self._in_slots(hidden, at)
        numbers = self.matrix(self.dropout(rearrange(slots, "b p m -> b (p m)")))
        return rearrange(numbers, "b (t c) -> b t c", t=self.horizon)

    def _in_slots(self, hidden: Tensor, at: Coords) -> Tensor:
        """The vectors that are no padding, moved to the right of `patches` places. [b n m] -> [b p m]"""
        valid = torch.ones_like(at.index, dtype=torch.bool) if at.valid is None else at.valid
        valid = valid.expand(len(hidden), -1)
        # how many vectors of the row are still to come, itself included
        to_come = valid.flip(1).cumsum(1).flip(1).unsqueeze(1)
        slots = torch.arange(self.patches, device=hidden.device)[:, None]
        chosen = (to_come == self.patches - slots) & valid.unsqueeze(1)
        quiet = hidden.masked_fill(~valid.unsqueeze(-1), 0.0)
        return torch.einsum("b p n, b n m -> b p m", chosen.to(hidden.dtype), quiet)
