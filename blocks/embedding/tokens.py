"""A learned vector for each token."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn

from blocks.coords import Coords
from blocks.embedding.base import Embedding
from blocks.linear import Table
from blocks.norm import Norm
from registry import Build, build, part
from registry.types import Probability


@part("embedding", "tokens", paper="Vaswani et al. 2017, arXiv 1706.03762, section 3.4")
class TokenEmbedding(Embedding):
    """A learned vector for each token, then what the position scheme adds, a norm where asked for, dropout.

    scale: multiply the vectors by sqrt(dim) (Transformer, Transformer-XL). norm: norm of the sum (BERT).
    """

    def __init__(
        self,
        dim: int,
        vocab: int,
        *,
        scale: bool = False,
        norm: Build[Norm] | None = None,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.table = Table(vocab, dim, role="embedding")
        self.scale = math.sqrt(dim) if scale else 1.0
        self.norm = nn.Identity() if norm is None else build(norm, dim=dim)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    @property
    def weight(self) -> Tensor:
        return self.table.weight

    def forward(self, ids: Tensor, at: Coords, place: Callable[[Tensor, Coords], Tensor]) -> Tensor:
        x = self.table(ids)
        x = x if self.scale == 1.0 else x * self.scale
        return self.dropout(self.norm(place(x, at)))
