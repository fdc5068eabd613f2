"""Numbers for the whole sequence."""

from __future__ import annotations

from einops import rearrange
from torch import Tensor, nn

from blocks.activations import Activation
from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head
from blocks.head.pooling import Pool, Pooler, pool
from blocks.linear import Linear
from registry import part
from registry.types import PositiveInt, Probability


@part("head", "regression", paper="Devlin et al. 2018, arXiv 1810.04805, section 4.1 (similarity of two sentences)")
class RegressionHead(Head):
    """Numbers from one vector for the sequence, [b n m] -> [b values], or [b steps values] where steps are given.

    values: how many. steps: so many times the values, one after the other: the horizon of a forecast.
    pool, pooler, dropout: as in `classification`.
    """

    provides = frozenset({"values"})

    def __init__(
        self,
        dim: int,
        *,
        values: PositiveInt = 1,
        steps: PositiveInt | None = None,
        pool: Pool = "mean",
        pooler: Activation | None = None,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.pool: Pool = pool
        self.steps = steps
        self.pooler = nn.Identity() if pooler is None else Pooler(dim, pooler)
        self.dropout = nn.Dropout(dropout)
        self.matrix = Linear(dim, (steps or 1) * values, role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        numbers = self.matrix(self.dropout(self.pooler(pool(hidden, at, self.pool))))
        return numbers if self.steps is None else rearrange(numbers, "b (s v) -> b s v", s=self.steps)
