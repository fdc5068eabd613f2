"""All tokens of a sequence, rebuilt from one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from blocks.activations import ACTIVATIONS, Activation
from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.embedding.base import required
from blocks.head.base import Head
from blocks.head.pooling import Pool, pool
from blocks.linear import Linear
from blocks.norm import LayerNorm, Norm
from blocks.position.sinusoidal import sinusoids
from registry import Build, MultipleOf, build, part
from registry.types import PositiveInt


@part("head", "reconstruction", paper="Poli et al. 2024 (MAD), arXiv 2403.17844, section 3.1 (compression)")
class ReconstructionHead(Head):
    """Logits of the vocabulary for each of `length` places, from one vector z of the sequence, [b n m] -> [b length v].

    x_i = z + sinusoid_i for place i, then two layers x = act(W norm(x) + c), then U norm(x) + d. What the places have
    of the sequence they have from z, so z has to hold all of it.

    length: how many places. pool: which vector is z; padding does not count. activation, norm: of the two layers.
    """

    provides = frozenset({"rebuilt tokens"})
    rules = (MultipleOf("dim", 2, "sines and cosines come in pairs"),)

    def __init__(
        self,
        dim: int,
        vocab: int | None,
        *,
        length: PositiveInt = 32,
        pool: Pool = "last",
        activation: Activation = "gelu",
        norm: Build[Norm] = LayerNorm,
    ) -> None:
        super().__init__()
        self.length = length
        self.pool: Pool = pool
        self.activation = ACTIVATIONS[activation]
        self.norms = nn.ModuleList(build(norm, dim=dim) for _ in range(3))
        self.layers = nn.ModuleList(Linear(dim, dim, role="head") for _ in range(2))
        self.matrix = Linear(dim, required(vocab), role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        exact = torch.promote_types(hidden.dtype, torch.float32)
        place = torch.arange(self.length, dtype=exact, device=hidden.device)
        x = pool(hidden, at, self.pool).unsqueeze(1) + sinusoids(place, hidden.shape[-1]).to(hidden.dtype)
        for norm, layer in zip(self.norms, self.layers, strict=False):
            x = self.activation(layer(norm(x)))
        return self.matrix(self.norms[-1](x))
