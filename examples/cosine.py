"""A part of your own in one file: scaled cosine attention.

swapformer list attention --plugin examples/cosine.py
swapformer run examples/cosine.yaml --plugin examples/cosine.py
pytest examples/test_cosine.py
"""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from blocks.attention import Attention
from blocks.attention.cache import Cache, KeyValueCache, SourceCache
from blocks.attention.softmax import Keys, Scoring, softmax_attention
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.linear import Linear
from registry import MultipleOf, part
from registry.types import PositiveFloat


@part("attention", "cosine", paper="Liu et al. 2022 (Swin v2), arXiv 2111.09883, section 3.3")
class CosineAttention(Attention):
    """softmax(t cos(q, k)) v: scores by angle alone, with a learned temperature t for each head.

    largest: upper bound of t. start: t before training.
    """

    provides = frozenset({"bidirectional", "causal", "padding", "segments", "prefix", "cross", "rotate", "bias"})
    rules = (MultipleOf("dim", "heads", "the heads share the width"),)

    def __init__(self, dim: int, heads: int, *, largest: PositiveFloat = 100.0, start: PositiveFloat = 10.0) -> None:
        super().__init__()
        self.heads, self.head_dim, self.largest = heads, dim // heads, largest
        self.query = Linear(dim, dim, role="query")
        self.key = Linear(dim, dim, role="key", bias=False)
        self.value = Linear(dim, dim, role="value")
        self.out = Linear(dim, dim, role="attention_out")
        self.temperature = nn.Parameter(torch.full((heads,), math.log(start)))

    def mix(self, x: Tensor, view: View) -> Tensor:
        q = view.position.rotate(functional.normalize(self._split(self.query(x)), dim=-1), view.at, "query")
        q = q * rearrange(self.temperature.exp().clamp(max=self.largest), "h -> h 1 1")

        def project(read: Tensor, at: Coords) -> tuple[Tensor, Tensor]:
            k = functional.normalize(self._split(self.key(read)), dim=-1)
            return view.position.rotate(k, at, "key"), self._split(self.value(read))

        k, v, k_at = view.keys_and_values(x, project)
        mixed = softmax_attention(q, view.at, Keys(k, v, k_at, view.mask), Scoring(view.position, scale=1.0))
        return self.out(rearrange(mixed, "b h n d -> b n (h d)"))

    def new_cache(self, *, cross: bool = False) -> Cache:
        return SourceCache() if cross else KeyValueCache()

    def _split(self, t: Tensor) -> Tensor:
        return rearrange(t, "b n (h d) -> b h n d", d=self.head_dim)
