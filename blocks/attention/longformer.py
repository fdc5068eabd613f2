"""A sliding window plus a few global tokens with projections of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from einops import rearrange
from torch import Tensor

from blocks.attention.base import Attention
from blocks.attention.cache import Cache, KeyValueCache
from blocks.attention.heads import split, split_width
from blocks.attention.softmax import Keys, Scoring, attention_weights, softmax_attention
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.linear import Linear
from blocks.masks import Composable, Full, Mask, Window, both
from blocks.position import Position
from blocks.position.base import Role
from registry import MultipleOf, part
from registry.types import NonNegativeInt, PositiveInt, Probability


@dataclass(frozen=True)
class Local(Composable):
    """Keys that are not global: those are seen through the global set, so that none counts twice."""

    keys_only = True

    def allow(self, q: Coords, k: Coords) -> Tensor:
        assert k.globals is not None
        return ~k.globals & Full().allow(q, k)


@dataclass(frozen=True)
class Global(Composable):
    """Keys that are global."""

    keys_only = True

    def allow(self, q: Coords, k: Coords) -> Tensor:
        assert k.globals is not None
        return k.globals & Full().allow(q, k)


@dataclass
class LongformerCache(Cache):
    """The window's keys, and of the leading global tokens their local and their global keys.

    local, global_local, global_global: keys and values of the window; of the global tokens under the local
    projections; of the same under the global ones.
    """

    local: KeyValueCache
    global_local: KeyValueCache
    global_global: KeyValueCache


@part("attention", "longformer", paper="Beltagy et al. 2020, arXiv 2004.05150, section 3.1")
class Longformer(Attention):
    """Softmax attention within a sliding window, plus global tokens that see and are seen by all; O(n * window).

    One softmax runs over window and global keys together, each key counted once. Global tokens as queries use
    projections of their own; as keys of a local query they use the local ones. Causal: the left half of the window, and
    global tokens are visible to later tokens only.
    window: the whole window, half of it on each side plus the token itself. global_tokens: so many leading tokens of
    each sequence are global, unless the coordinates name others. bias: on all projections. dropout: on the weights.
    """

    provides = frozenset(
        {"bidirectional", "causal", "padding", "window", "mark", "rotate", "bias", "content_bias", "content_value"}
    )
    rules = (MultipleOf("dim", "heads", "the heads share the width"), MultipleOf("window", 2, "half on each side"))
    # the authors' conversion of RoBERTa
    start_as: ClassVar[Mapping[str, str]] = {"query_global": "query", "key_global": "key", "value_global": "value"}

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        window: PositiveInt = 512,
        global_tokens: NonNegativeInt = 1,
        bias: bool = True,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        if window % 2:
            raise ValueError(f"attention 'longformer' has half its window on each side: {window} is odd")
        self.heads, self.head_dim = heads, split_width(dim, heads)
        self.reach, self.global_tokens, self.dropout = window // 2, global_tokens, dropout
        self.query = Linear(dim, dim, role="query", bias=bias)
        self.key = Linear(dim, dim, role="key", bias=bias)
        self.value = Linear(dim, dim, role="value", bias=bias)
        self.query_global = Linear(dim, dim, role="query", bias=bias)
        self.key_global = Linear(dim, dim, role="key", bias=bias)
        self.value_global = Linear(dim, dim, role="value", bias=bias)
        self.out = Linear(dim, dim, role="attention_out", bias=bias)

    def mix(self, x: Tensor, view: View) -> Tensor:
        at, mask, position, cache = view.at, view.mask, view.position, view.cache
        if cache is not None and at.globals is not None:
            raise ValueError("with a cache, the global tokens of attention 'longformer' are the leading ones")
        decoding = cache is not None
        at, rows, chosen = self._chosen(at, decoding=decoding)
        window = both(both(mask, self._window(view)), Local())
        scoring = Scoring(position, self.head_dim**-0.5, dropout=self.dropout if self.training else 0.0)

        q = self._rotated(self.query, x, position, at, "query")
        k, v = self._rotated(self.key, x, position, at, "key"), split(self.value(x), self.head_dim)
        near = (k, v, at)
        shared = (_rows(k, rows), _rows(v, rows), chosen)
        if isinstance(cache, LongformerCache):
            near, shared = cache.local.extend(*near), cache.global_local.extend(*shared)
        mixed = softmax_attention(q, at, Keys(*near, window), scoring, Keys(*shared, mask) if len(shared[2]) else None)
        if rows.shape[1]:
            x_global = x.gather(1, rows.expand(len(x), -1).unsqueeze(-1).expand(-1, -1, x.shape[2]))
            q_global = self._rotated(self.query_global, x_global, position, chosen, "query")
            # while decoding, later global tokens can only look back at other leading tokens
            read, read_at = (x_global, chosen) if decoding else (x, at)
            k = self._rotated(self.key_global, read, position, read_at, "key")
            everywhere = (k, split(self.value_global(read), self.head_dim), read_at)
            if isinstance(cache, LongformerCache):
                everywhere = cache.global_global.extend(*everywhere)
            mixed_global = softmax_attention(q_global, chosen, Keys(*everywhere, mask, aligned=False), scoring)
            mixed = _replace(mixed, mixed_global, rows, chosen)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)"))

    def weigh(self, x: Tensor, view: View) -> Tensor:
        at, _, _ = self._chosen(view.at, decoding=False)
        scoring = Scoring(view.position, self.head_dim**-0.5)

        def weights(query: Linear, key: Linear, mask: Mask) -> Tensor:
            q = self._rotated(query, x, view.position, at, "query")
            k = self._rotated(key, x, view.position, at, "key")
            return attention_weights(q, at, Keys(k, k, at, mask), scoring)

        # a local query uses the local key of every token that it sees
        local = weights(self.query, self.key, both(view.mask, self._window(view) | Global()))
        everywhere = weights(self.query_global, self.key_global, view.mask)
        assert at.globals is not None
        return torch.where(at.globals[:, None, :, None], everywhere, local)

    def new_cache(self, *, cross: bool = False) -> LongformerCache:
        return LongformerCache(KeyValueCache(limit=self.reach + 1), KeyValueCache(), KeyValueCache())

    def _window(self, view: View) -> Window:
        return Window(self.reach, 0 if view.causal else self.reach)

    def _chosen(self, at: Coords, *, decoding: bool) -> tuple[Coords, Tensor, Coords]:
        """As `_globals`, worked out by the first layer that asks."""
        key = ("longformer", self.global_tokens, decoding)
        return at.once(key, lambda: self._globals(at, decoding=decoding))

    def _globals(self, at: Coords, *, decoding: bool) -> tuple[Coords, Tensor, Coords]:
        """Coordinates that say which tokens are global; rows of those tokens [b|1 g]; coordinates of those rows.

        Where rows have fewer global tokens than others, the surplus is marked as padding.
        """
        n = len(at)
        if at.globals is None:
            marked = at.pos < self.global_tokens
            marked = marked if at.valid is None else marked & at.valid
            # no more can be global in one call: positions of valid tokens are distinct
            count = 0 if decoding and not marked.any() else min(n, self.global_tokens)
        else:
            marked = at.globals if at.valid is None else at.globals & at.valid
            count = int(marked.sum(1).max())
        at = replace(at, globals=marked)
        rows = torch.argsort((~marked).long(), dim=1, stable=True)[:, :count]
        chosen = at.gather(rows)
        assert chosen.globals is not None
        return at, rows, chosen.where(chosen.globals)

    def _rotated(self, project: Linear, x: Tensor, position: Position, at: Coords, role: Role) -> Tensor:
        """Queries or keys under one of the projections, marked and turned. x: [b n m] -> [b h n d]."""
        return position.rotate(split(project(position.mark(x, at, role)), self.head_dim), at, role)


def _rows(t: Tensor, rows: Tensor) -> Tensor:
    """The tokens at `rows` [b|1 g] of t [b h n d] -> [b h g d]."""
    index = rows.expand(len(t), -1)[:, None, :, None].expand(-1, t.shape[1], -1, t.shape[3])
    return t.gather(2, index)


def _replace(mixed: Tensor, new: Tensor, rows: Tensor, chosen: Coords) -> Tensor:
    """`mixed` [b h n d] with the tokens at `rows` [b|1 g] replaced by `new` [b h g d], surplus rows left alone."""
    assert chosen.valid is not None
    new = torch.where(chosen.valid[:, None, :, None], new, _rows(mixed, rows))
    index = rows.expand(len(mixed), -1)[:, None, :, None].expand_as(new)
    return mixed.scatter(2, index, new)
