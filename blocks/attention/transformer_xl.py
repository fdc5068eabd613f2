"""Softmax attention with a memory of what went before the segment at hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor

from blocks.attention.base import Attention
from blocks.attention.cache import Cache, Memory
from blocks.attention.heads import split, split_width
from blocks.attention.softmax import Keys, Scoring, attention_weights, softmax_attention
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.linear import Linear
from blocks.masks import Composable, Mask, Window, both
from registry import MultipleOf, part
from registry.types import PositiveInt, Probability


@dataclass
class SegmentMemory(Memory):
    """The last `limit` inputs of one layer, x [b n m], and where they stand; without gradient.

    begin: index and position of the first token of the text.
    """

    limit: int
    x: Tensor | None = None
    at: Coords | None = None
    begin: int = 0

    def followed_by(self, x: Tensor, at: Coords) -> tuple[Tensor, Coords]:
        """What is remembered, then the tokens x at `at`. [b n m] -> [b k m]."""
        if self.x is None or self.at is None:
            return x, at
        return torch.cat([self.x.to(x.dtype), x], dim=1), self.at.then(at)

    def keep(self, x: Tensor, at: Coords) -> None:
        """Remember the tokens x at `at` too, and no more than the limit. x: [b n m]."""
        x, at = self.followed_by(x, at)
        kept = min(self.limit, len(at))
        self.x, self.at = x[:, len(at) - kept :].detach(), at.last(kept)

    def count_from(self, tokens: int) -> None:
        self.begin -= tokens
        if (at := self.at) is not None:
            self.at = at.once(("count from", tokens), lambda: replace(at, index=at.index - tokens, pos=at.pos - tokens))


@dataclass(frozen=True)
class AfterZeros(Composable):
    """Tokens as `tokens` has it; zeros, which stand before `begin`, fewer than `within` positions before the query."""

    tokens: Mask
    begin: int
    within: int | None

    def allow(self, q: Coords, k: Coords) -> Tensor:
        seen = self.tokens.allow(q, k)
        near = torch.ones_like(seen) if self.within is None else q.pos - k.pos < self.within
        return torch.where(k.index < self.begin, near, seen)


@part("attention", "transformer_xl", paper="Dai et al. 2019, arXiv 1901.02860, section 3.2")
class TransformerXLAttention(Attention):
    """Softmax attention over the segment and a memory: the layer's last inputs from earlier segments.

    No gradient flows back into the memory, but its keys and values are made anew by the weights of the moment, which
    so learn from it. The cache is the memory: a model's state carries it from segment to segment, in training too.
    Every token of a segment sees all of the memory; a token may thus see more, the later in its segment it stands.
    Under a placement that norms what attention reads, it is the normed vectors that are remembered.

    memory: how many inputs are remembered. head_dim: width of a head, dim / heads unless given.
    same_length: every query sees itself and the memory - 1 tokens before it, however the text is cut into segments.
    start: a text has nothing before it (authors' PyTorch code), or `memory` vectors of zeros, which are attended to
    (authors' TensorFlow code, transformers). bias: on all four projections. dropout: on the attention weights.
    """

    provides = frozenset(
        {"causal", "padding", "segments", "prefix", "window", "memory"}
        | {"mark", "rotate", "bias", "content_bias", "content_value"}
    )
    rules = (MultipleOf("dim", "heads", "the heads share the width", when={"head_dim": None}),)

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        memory: PositiveInt = 512,
        head_dim: PositiveInt | None = None,
        same_length: bool = False,
        start: Literal["empty", "zeros"] = "empty",
        bias: bool = False,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, head_dim or split_width(dim, heads)
        self.memory, self.same_length, self.zeros, self.dropout = memory, same_length, start == "zeros", dropout
        self.provides = type(self).provides - self._given_up()
        inner = heads * self.head_dim
        self.query = Linear(dim, inner, role="query", bias=bias)
        self.key = Linear(dim, inner, role="key", bias=bias)
        self.value = Linear(dim, inner, role="value", bias=bias)
        self.out = Linear(inner, dim, role="attention_out", bias=bias)

    def mix(self, x: Tensor, view: View) -> Tensor:
        mixed = softmax_attention(self._queries(x, view), view.at, self._keys(x, view), self._scoring(view))
        if isinstance(view.cache, SegmentMemory):
            view.cache.keep(x, view.at)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)"))

    def weigh(self, x: Tensor, view: View) -> Tensor:
        """[b h q k]; keys in order: zeros where there are any, memory, segment."""
        return attention_weights(self._queries(x, view), view.at, self._keys(x, view), self._scoring(view))

    def new_cache(self, *, cross: bool = False) -> Cache:
        return super().new_cache(cross=True) if cross else SegmentMemory(self.memory)

    def _queries(self, x: Tensor, view: View) -> Tensor:
        """[b h q d]"""
        return view.position.rotate(split(self.query(view.marked(x)), self.head_dim), view.at, "query")

    def _keys(self, x: Tensor, view: View) -> Keys:
        """Zeros, memory and segment."""
        cache = view.cache if isinstance(view.cache, SegmentMemory) else SegmentMemory(self.memory)
        read, at = cache.followed_by(x, view.at)
        mask = both(view.mask, Window(self.memory - 1, 0)) if self.same_length else view.mask
        if self.zeros and (count := self._zeros_left(at, len(view.at))):
            read = torch.cat([x.new_zeros(len(x), count, x.shape[-1]), read], dim=1)
            at = Coords.of(count, start=cache.begin - count, device=x.device).then(at)
            mask = AfterZeros(mask, cache.begin, self.memory if self.same_length else None)
        k = split(self.key(view.position.mark(read, at, "key")), self.head_dim)
        return Keys(view.position.rotate(k, at, "key"), split(self.value(read), self.head_dim), at, mask)

    def _zeros_left(self, at: Coords, segment: int) -> int:
        """How many zeros the tokens have not yet pushed out of the memory. at: of the memory and the segment."""
        if self.same_length and at.valid is not None:
            # rows have pushed out more or fewer, and their window tells how many
            return self.memory
        return max(0, self.memory - (len(at) - segment))

    def _scoring(self, view: View) -> Scoring:
        return Scoring(view.position, self.head_dim**-0.5, dropout=self.dropout if self.training else 0.0)

    def _given_up(self) -> frozenset[str]:
        """What some options cost."""
        lost = {"prefix"} if self.same_length else set()
        if self.zeros:
            # zeros are no tokens: windows do not reach them, and the weights of tokens are not all there is
            lost |= {"window", "weights"}
        if self.zeros and not self.same_length:
            # how many zeros a token sees depends on how the text was cut
            lost.add("decode")
        return frozenset(lost)
