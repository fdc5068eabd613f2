"""An attention kind that keeps every promise, in pieces that the broken ones replace one at a time."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from blocks.attention import CAPABILITIES, Attention
from blocks.attention.cache import Cache, KeyValueCache, SourceCache
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.masks import Mask, pairwise
from blocks.position import Position


class Honest(Attention):
    """Softmax attention by the book."""

    provides = frozenset(CAPABILITIES) - {"decode", "memory", "look_ahead"}

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))

    def mix(self, x: Tensor, view: View) -> Tensor:
        x = self.enter(x)
        weights, v, at, k_at = self.attend(x, view)
        mixed = weights @ self.values(v, k_at)
        value = view.position.content_value(weights, at, k_at)
        mixed = mixed if value is None else mixed + value
        return self.leave(self.out(rearrange(mixed, "b h n d -> b n (h d)")))

    def weigh(self, x: Tensor, view: View) -> Tensor:
        return self.shown(self.attend(x, view)[0])

    def attend(self, x: Tensor, view: View) -> tuple[Tensor, Tensor, Coords, Coords]:
        """Weights, values, and where queries and keys stand."""
        at, mask, position = view.at, view.mask, view.position
        source, source_at, cache = view.source, view.source_at, view.cache
        at = self.where(at, x)
        q = self.turn(self.split(self.query(view.marked(x))), at, "query", position, cache)
        read, k_at = (x, at) if source is None or source_at is None else (source, source_at)
        if isinstance(cache, SourceCache) and cache.k is not None and cache.v is not None:
            k, v = cache.k, cache.v
        else:
            k = self.turn(self.split(self.key(position.mark(read, k_at, "key"))), k_at, "key", position, cache)
            v = self.split(self.value(read))
        if isinstance(cache, SourceCache):
            cache.fill(k, v)
        elif isinstance(cache, KeyValueCache):
            k, v, k_at = cache.extend(k, v, k_at)
        allow = self.allow(mask, at, k_at)
        return self.share(self.scores(q, k, at, k_at, allow, position), allow), v, at, k_at

    def shown(self, weights: Tensor) -> Tensor:
        return weights

    def enter(self, x: Tensor) -> Tensor:
        return x

    def where(self, at: Coords, x: Tensor) -> Coords:
        return at

    def split(self, t: Tensor) -> Tensor:
        return rearrange(t, "b n (h d) -> b h n d", h=self.heads)

    def turn(self, t: Tensor, at: Coords, role: str, position: Position, cache: Cache | None) -> Tensor:
        return position.rotate(t, at, role)  # type: ignore[arg-type]

    def allow(self, mask: Mask, at: Coords, k_at: Coords) -> Tensor:
        allow = pairwise(mask, at, k_at)
        assert allow is not None
        return allow.unsqueeze(1)

    def scores(self, q: Tensor, k: Tensor, at: Coords, k_at: Coords, allow: Tensor, position: Position) -> Tensor:
        products = q @ k.mT
        content = position.content_bias(q, k, at, k_at, allow[:, 0])
        scores = (products if content is None else products + content) * self.head_dim**-0.5
        bias = position.bias(at.queries(), k_at.keys())
        return scores if bias is None else scores + bias.to(scores.dtype)

    def share(self, scores: Tensor, allow: Tensor) -> Tensor:
        empty = ~allow.any(-1, keepdim=True)
        weights = scores.masked_fill(~(allow | empty), -torch.inf).softmax(-1)
        return weights.masked_fill(~allow, 0.0)

    def values(self, v: Tensor, k_at: Coords) -> Tensor:
        return v

    def leave(self, y: Tensor) -> Tensor:
        return y

    def new_cache(self, *, cross: bool = False) -> Cache:
        return SourceCache() if cross else KeyValueCache()
