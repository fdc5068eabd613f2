"""Softmax attention over every visible key."""

from __future__ import annotations

from functools import partial

from einops import rearrange, repeat
from torch import Tensor

from blocks.attention.base import Attention
from blocks.attention.cache import Cache, KeyValueCache, SourceCache
from blocks.attention.softmax import Keys, Scoring, softmax_attention
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.linear import Linear
from blocks.masks import Window, both
from blocks.norm import Norm
from blocks.position import Position
from registry import Build, MultipleOf, build, part
from registry.types import PositiveFloat, PositiveInt, Probability


@part("attention", "full", paper="Vaswani et al. 2017, arXiv 1706.03762, section 3.2")
class FullAttention(Attention):
    """softmax(q k^T / sqrt(d)) v over every visible key; multi-head, multi-query or grouped-query.

    kv_heads: key-value heads; as many as heads unless given, 1 is multi-query (arXiv 1911.02150), between is
    grouped-query (arXiv 2305.13245). head_dim: width of a head, dim / heads unless given.
    window: a query sees itself and the window - 1 keys before it when causal (Mistral), window / 2 on each side when
    not (Longformer); costs O(n * window). scale: on the scores, 1 / sqrt(head_dim) unless given.
    qk_norm: norm of each head's queries and keys before positions. softcap: c tanh(score / c) (Gemma 2).
    gate: multiplies each head's output by sigmoid(x W) before the output projection (arXiv 2505.06708).
    bias: on all four projections. dropout: on the attention weights.
    """

    provides = frozenset(
        {"bidirectional", "causal", "padding", "segments", "prefix", "window", "cross"}
        | {"rotate", "bias", "content_bias", "content_value"}
    )
    rules = (
        MultipleOf("dim", "heads", "the heads share the width", when={"head_dim": None}),
        MultipleOf("heads", "kv_heads", "each key-value head serves as many heads"),
    )

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        kv_heads: PositiveInt | None = None,
        head_dim: PositiveInt | None = None,
        window: PositiveInt | None = None,
        scale: PositiveFloat | None = None,
        qk_norm: Build[Norm] | None = None,
        softcap: PositiveFloat | None = None,
        gate: bool = False,
        bias: bool = True,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads = heads, kv_heads or heads
        self.head_dim = head_dim or split_width(dim, heads)
        if heads % self.kv_heads:
            raise ValueError(f"{heads} heads cannot share {self.kv_heads} key-value heads evenly")
        self.window, self.softcap, self.dropout = window, softcap, dropout
        # a window lies around the query's own place, and another stream has no such place
        self.provides = type(self).provides if window is None else type(self).provides - {"cross"}
        self.scale = self.head_dim**-0.5 if scale is None else scale
        inner, inner_kv = heads * self.head_dim, self.kv_heads * self.head_dim
        self.query = Linear(dim, inner, role="query", bias=bias)
        self.key = Linear(dim, inner_kv, role="key", bias=bias)
        self.value = Linear(dim, inner_kv, role="value", bias=bias)
        self.gate = Linear(dim, inner, role="gate", bias=bias) if gate else None
        self.out = Linear(inner, dim, role="attention_out", bias=bias)
        self.q_norm = None if qk_norm is None else build(qk_norm, dim=self.head_dim)
        self.k_norm = None if qk_norm is None else build(qk_norm, dim=self.head_dim)

    def mix(self, x: Tensor, view: View) -> Tensor:
        q = view.position.rotate(self._split(self.query(x), self.q_norm), view.at, "query")
        k, v, k_at = view.keys_and_values(x, partial(self._project, view.position))
        mask = view.mask if self.window is None else both(view.mask, _window(self.window, view.causal))
        scoring = Scoring(view.position, self.scale, self.softcap, self.dropout if self.training else 0.0)
        mixed = softmax_attention(q, view.at, Keys(self._share(k), self._share(v), k_at, mask), scoring)
        mixed = rearrange(mixed, "b h n d -> b n (h d)")
        if self.gate is not None:
            mixed = mixed * self.gate(x).sigmoid()
        return self.out(mixed)

    def new_cache(self, *, cross: bool = False) -> Cache:
        return SourceCache() if cross else KeyValueCache(limit=self.window)

    def _project(self, position: Position, read: Tensor, at: Coords) -> tuple[Tensor, Tensor]:
        """Keys and values, [b g k d] each."""
        k = position.rotate(self._split(self.key(read), self.k_norm), at, "key")
        return k, self._split(self.value(read))

    def _split(self, t: Tensor, norm: Norm | None = None) -> Tensor:
        t = rearrange(t, "b n (h d) -> b h n d", d=self.head_dim)
        return t if norm is None else norm(t)

    def _share(self, t: Tensor) -> Tensor:
        """Each key-value head serves the query heads that follow each other."""
        return t if self.kv_heads == self.heads else repeat(t, "b g n d -> b (g r) n d", r=self.heads // self.kv_heads)


def split_width(dim: int, heads: int) -> int:
    """Width of a head. Raises ValueError unless the heads share the width evenly."""
    if heads < 1 or dim % heads:
        raise ValueError(f"a width of {dim} cannot be split into {heads} heads")
    return dim // heads


def _window(size: int, causal: bool) -> Window:
    return Window(size - 1, 0) if causal else Window(size // 2, size // 2)
