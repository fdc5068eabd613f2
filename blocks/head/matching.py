"""Whether two texts, read apart, belong together."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head
from blocks.head.pooling import Pool, pool
from blocks.linear import Linear
from registry import part
from registry.types import PositiveInt


@part("head", "matching", paper="Tay et al. 2020 (Long Range Arena), arXiv 2011.04006, section 2.3 and its code")
class MatchingHead(Head):
    """A vector for the sequence, [b n m] -> [b m]; a small network says of two vectors how well they match.

    match(a, b) = W3 relu(W2 relu(W1 [a, b, a * b, a - b])), one logit.

    pool: as in `classification`. hidden: width of the network's first layer, twice that of its second.
    """

    provides = frozenset({"vector", "match"})

    def __init__(self, dim: int, *, pool: Pool = "mean", hidden: PositiveInt = 128) -> None:
        super().__init__()
        self.pool: Pool = pool
        self.first = Linear(4 * dim, hidden, role="head")
        self.second = Linear(hidden, max(1, hidden // 2), role="head")
        self.matrix = Linear(max(1, hidden // 2), 1, role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return pool(hidden, at, self.pool)

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        """The logit that each pair of rows matches. a, b: [b m] -> [b]."""
        both = torch.cat([a, b, a * b, a - b], dim=-1)
        logits = self.matrix(functional.relu(self.second(functional.relu(self.first(both)))))
        return rearrange(logits, "b 1 -> b")
