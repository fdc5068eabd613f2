"""Numbers for each token."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head
from blocks.linear import Linear
from registry import part
from registry.types import PositiveInt, Probability


@part("head", "token_regression", paper="Zerveas et al. 2020, arXiv 2010.02803, section 3.2 (values of a series)")
class TokenRegressionHead(Head):
    """Numbers for each token, [b n m] -> [b n values]: hidden values of a series, or in a decoder those that follow.

    values: how many. dropout: on the hidden states.
    """

    provides = frozenset({"token values", "series"})

    def __init__(self, dim: int, *, values: PositiveInt = 1, dropout: Probability = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.matrix = Linear(dim, values, role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return self.matrix(self.dropout(hidden))
