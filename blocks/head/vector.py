"""One vector for each text, to be compared with those of other texts."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.activations import Activation
from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head
from blocks.head.pooling import Pool, Pooler, pool
from blocks.linear import Linear
from registry import part
from registry.types import PositiveFloat, PositiveInt, Probability

SHARPEST = 100.0
"""The most that a learned temperature can multiply similarities by (Radford et al. 2021, section 2.5)."""


@part(
    "head",
    "vector",
    paper="Reimers and Gurevych 2019 (Sentence-BERT), arXiv 1908.10084, section 3 (pooling); Radford et al. 2021 "
    "(CLIP), arXiv 2103.00020, section 2.3 (comparison)",
)
class VectorHead(Head):
    """A vector for the sequence, [b n m] -> [b w]; two are the more similar the larger their product.

    similarity(a, b) = a . b / temperature, of vectors of length 1 where normalised.

    width: w, by a matrix; the model's own, without one, unless given. pool, pooler, dropout: as in `classification`.
    normalise: divide each vector by its length. temperature: where it starts. learned: whether it is trained with the
    rest; 1 / temperature never exceeds 100 then.
    """

    provides = frozenset({"vector", "similarity"})

    def __init__(
        self,
        dim: int,
        *,
        width: PositiveInt | None = None,
        pool: Pool = "mean",
        pooler: Activation | None = None,
        dropout: Probability = 0.0,
        normalise: bool = True,
        temperature: PositiveFloat = 0.07,
        learned: bool = True,
    ) -> None:
        super().__init__()
        self.pool: Pool = pool
        self.pooler = nn.Identity() if pooler is None else Pooler(dim, pooler)
        self.dropout = nn.Dropout(dropout)
        self.matrix = nn.Identity() if width is None else Linear(dim, width, role="head", bias=False)
        self.normalise = normalise
        self.scale = math.log(1 / temperature)
        self.learned_scale = nn.Parameter(torch.tensor(self.scale)) if learned else None

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        vector = self.matrix(self.dropout(self.pooler(pool(hidden, at, self.pool))))
        return functional.normalize(vector, dim=-1) if self.normalise else vector

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        """How similar each vector of `a` is to each of `b`. a: [b w]; b: [c w] -> [b c]."""
        products = torch.einsum("b w, c w -> b c", a, b)
        if self.learned_scale is None:
            return products * math.exp(self.scale)
        return products * self.learned_scale.exp().clamp(max=SHARPEST)
