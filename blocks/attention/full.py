"""Softmax attention over every visible key."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from einops import rearrange
from torch import Tensor, nn

from blocks.attention.base import Attention
from blocks.attention.cache import Cache, KeyValueCache, SourceCache
from blocks.attention.heads import Over, biased, query_key_norm, share, split, split_width
from blocks.attention.softmax import Keys, Scoring, attention_weights, softmax_attention
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.linear import Linear
from blocks.masks import Window, both
from blocks.norm import Norm
from blocks.position import Position
from blocks.position.base import Role
from registry import Build, MultipleOf, build, part
from registry.types import PositiveFloat, PositiveInt, Probability

Projection: TypeAlias = Literal["query", "key", "value", "gate", "out"]


@part("attention", "full", paper="Vaswani et al. 2017, arXiv 1706.03762, section 3.2")
class FullAttention(Attention):
    """softmax(q k^T / sqrt(d)) v over every visible key; multi-head, multi-query or grouped-query.

    kv_heads: key-value heads; as many as heads unless given, 1 is multi-query (arXiv 1911.02150), between is
    grouped-query (arXiv 2305.13245). head_dim: width of a head, dim / heads unless given.
    window: a query sees itself and the window - 1 keys before it when causal (Mistral), window / 2 on each side when
    not (Longformer); costs O(n * window). scale: on the scores, 1 / sqrt(head_dim) unless given.
    qk_norm: norm of queries and keys. qk_norm_over: each head with the same weights (Qwen 3), each_head with its own
    (StableLM 2, Cohere), or the whole projection (OLMo 2). rotate_first: positions turn before the norm (Hunyuan),
    not after it. clip: queries, keys and values are cut to [-clip, clip] (MPT, OLMo).
    softcap: c tanh(score / c) (Gemma 2). sinks: each head has a learned score that takes part in the softmax and adds
    nothing, so that a query may attend to nothing (gpt-oss; arXiv 2309.17453).
    gate: multiplies each head's output by sigmoid(x W) before the output projection (arXiv 2505.06708).
    sub_norm: norm of all that enters the output projection (Sub-LN, arXiv 2210.06423; BitNet).
    bias: on all projections, on none, or on those named. dropout: on the attention weights.
    """

    provides = frozenset(
        {"bidirectional", "causal", "padding", "segments", "prefix", "window", "cross"}
        | {"mark", "rotate", "bias", "content_bias", "content_value"}
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
        qk_norm_over: Over = "head",
        rotate_first: bool = False,
        clip: PositiveFloat | None = None,
        softcap: PositiveFloat | None = None,
        sinks: bool = False,
        gate: bool = False,
        sub_norm: Build[Norm] | None = None,
        bias: bool | list[Projection] = True,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads = heads, kv_heads or heads
        self.head_dim = head_dim or split_width(dim, heads)
        if heads % self.kv_heads:
            raise ValueError(f"{heads} heads cannot share {self.kv_heads} key-value heads evenly")
        self.window, self.softcap, self.clip, self.dropout = window, softcap, clip, dropout
        self.rotate_first = rotate_first
        # a window lies around the query's own place, and another stream has no such place
        self.provides = type(self).provides if window is None else type(self).provides - {"cross"}
        self.scale = self.head_dim**-0.5 if scale is None else scale
        inner, inner_kv = heads * self.head_dim, self.kv_heads * self.head_dim

        self.query = Linear(dim, inner, role="query", bias=biased(bias, "query"))
        self.key = Linear(dim, inner_kv, role="key", bias=biased(bias, "key"))
        self.value = Linear(dim, inner_kv, role="value", bias=biased(bias, "value"))
        self.gate = Linear(dim, inner, role="gate", bias=biased(bias, "gate")) if gate else None
        self.sub_norm = nn.Identity() if sub_norm is None else build(sub_norm, dim=inner)
        self.out = Linear(inner, dim, role="attention_out", bias=biased(bias, "out"))
        self.q_norm = query_key_norm(qk_norm, qk_norm_over, heads, self.head_dim)
        self.k_norm = query_key_norm(qk_norm, qk_norm_over, self.kv_heads, self.head_dim)
        self.sinks = nn.Parameter(torch.zeros(heads)) if sinks else None

    def mix(self, x: Tensor, view: View) -> Tensor:
        mixed = softmax_attention(self._queries(x, view), view.at, self._keys(x, view), self._scoring(view))
        mixed = rearrange(mixed, "b h n d -> b n (h d)")
        if self.gate is not None:
            mixed = mixed * self.gate(x).sigmoid()
        return self.out(self.sub_norm(mixed))

    def weigh(self, x: Tensor, view: View) -> Tensor:
        return attention_weights(self._queries(x, view), view.at, self._keys(x, view), self._scoring(view))

    def new_cache(self, *, cross: bool = False) -> Cache:
        return SourceCache() if cross else KeyValueCache(limit=self.window)

    def _queries(self, x: Tensor, view: View) -> Tensor:
        """[b h q d]"""
        q = self._heads(self.query(view.marked(x)))
        return self._placed(q, self.q_norm, view.position, view.at, "query")

    def _keys(self, x: Tensor, view: View) -> Keys:
        """All that x may see, for every head."""

        def project(read: Tensor, at: Coords) -> tuple[Tensor, Tensor]:
            k = self._heads(self.key(view.position.mark(read, at, "key")))
            return self._placed(k, self.k_norm, view.position, at, "key"), self._heads(self.value(read))

        k, v, at = view.keys_and_values(x, project)
        mask = view.mask if self.window is None else both(view.mask, _window(self.window, view.causal))
        return Keys(share(k, self.heads), share(v, self.heads), at, mask)

    def _scoring(self, view: View) -> Scoring:
        dropout = self.dropout if self.training else 0.0
        return Scoring(view.position, self.scale, self.softcap, dropout, self.sinks)

    def _heads(self, t: Tensor) -> Tensor:
        """The heads of a projection, clipped. t: [b n (h d)] -> [b h n d]."""
        return split(t if self.clip is None else t.clamp(-self.clip, self.clip), self.head_dim)

    def _placed(self, t: Tensor, norm: nn.Module | None, position: Position, at: Coords, role: Role) -> Tensor:
        """Normed and turned. t: [b h n d] -> [b h n d]."""
        if norm is None:
            return position.rotate(t, at, role)
        if self.rotate_first:
            return norm(position.rotate(t, at, role))
        return position.rotate(norm(t), at, role)


def _window(size: int, causal: bool) -> Window:
    return Window(size - 1, 0) if causal else Window(size // 2, size // 2)
