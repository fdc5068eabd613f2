"""A sliding window of blocks, global blocks at the ends, and random blocks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from blocks.attention.base import Attention
from blocks.attention.cache import KeyValueCache
from blocks.attention.heads import split, split_width
from blocks.attention.random_blocks import Draw, Plan, random_blocks, seen_blocks
from blocks.attention.scattered import Places, allowed, effective, scattered_attention, scattered_set, scattered_weights
from blocks.attention.sequences import Layout, Sequences, documents, lay_out
from blocks.attention.softmax import Keys, Scoring, attention_weights, softmax_attention
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.kernels.union import KeySet, union_attention
from blocks.linear import Linear
from blocks.position import Position
from registry import MultipleOf, part
from registry.types import NonNegativeInt, PositiveInt, Probability


@part("attention", "bigbird", paper="Zaheer et al. 2020, arXiv 2007.14062, section 2 and appendix D (ITC)")
class BigBird(Attention):
    """Softmax attention by blocks of tokens: a window of 3, the first and the last, and random ones; O(n * block).

    The first and the last block see all and are seen by all. One softmax runs over all keys. Sequences of up to
    5 + 2 random blocks get full attention, as in transformers. Blocks are counted in each packed document from its
    start. Causal: the window is the block before and the tokens up to oneself, the first block is seen by all, the last
    is like any other, random blocks are earlier ones, and no input is too short. What a token sees does not depend on
    what follows.

    block: tokens a block. random: random blocks of each row of blocks and head, drawn anew for each layer.
    plan: published, as the authors' code draws them, among the first 5 + 2 random blocks, by numpy seeded with the
    number of the layer (1024, 3072 and 4096 tokens: by an older plan, which may draw a block that is seen anyway, whose
    keys then count twice); uniform, any block; zeros, the first block every time, whose keys then count 1 + random
    times: a quirk of transformers, in evaluation since 2023. seed: another draw; added to the layer's if published.
    drawn_length: tokens that the older plan draws for (max_position_embeddings in transformers).
    padding: skipped, blocks count tokens alone and padding changes nothing; counted, bidirectional rows are cut into
    blocks as they come, padding and all, as published: what is global then depends on the longest row of the batch.
    bias: on all four projections. dropout: on the weights (the authors' code has none in the sparse form).
    """

    provides = frozenset(
        {"bidirectional", "causal", "padding", "segments", "window"}
        | {"mark", "rotate", "bias", "content_bias", "content_value"}
    )
    rules = (MultipleOf("dim", "heads", "the heads share the width"),)

    def __init__(
        self,
        dim: int,
        heads: int,
        layer: int = 0,
        *,
        block: PositiveInt = 64,
        random: NonNegativeInt = 3,
        plan: Plan = "published",
        seed: NonNegativeInt = 0,
        drawn_length: PositiveInt = 4096,
        padding: Literal["skipped", "counted"] = "skipped",
        bias: bool = True,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, split_width(dim, heads)
        self.draw = Draw(plan, heads, random, block, seed, layer, drawn_length)
        self.block, self.counted, self.dropout = block, padding == "counted", dropout
        self.query = Linear(dim, dim, role="query", bias=bias)
        self.key = Linear(dim, dim, role="key", bias=bias)
        self.value = Linear(dim, dim, role="value", bias=bias)
        self.out = Linear(dim, dim, role="attention_out", bias=bias)

    def mix(self, x: Tensor, view: View) -> Tensor:
        q = self._queries(x, view)
        k, v, seen = view.keys_and_values(x, partial(self._project, view.position))
        if view.cache is not None and not view.causal:
            raise ValueError("attention 'bigbird' decodes step by step under a causal mask alone")
        if len(seen) > len(view.at):
            mixed = self._continued(q, Keys(k, v, seen, view.mask), view)
        else:
            layout = self._layout(view, len(x))
            outs = [self._mixed(part.take(q), _keys(part, k, v, view), part.blocks, view) for part in layout.parts]
            mixed = layout.join(outs, len(view.at))
        return self.out(rearrange(mixed, "b h n d -> b n (h d)"))

    def weigh(self, x: Tensor, view: View) -> Tensor:
        q, (k, v) = self._queries(x, view), self._project(view.position, x, view.at)
        layout, n = self._layout(view, len(x)), len(view.at)
        outs = [self._weighed(part.take(q), _keys(part, k, v, view), part.blocks, view) for part in layout.parts]
        return layout.join([part.spread(out, n) for part, out in zip(layout.parts, outs, strict=True)], n)

    def new_cache(self, *, cross: bool = False) -> KeyValueCache:
        return KeyValueCache()

    def _mixed(self, q: Tensor, keys: Keys, blocks: int, view: View) -> Tensor:
        """Sequences of so many whole blocks, or short ones (0). [s h l d] -> [s h l d]."""
        scoring, size = self._scoring(view), self.block
        if not blocks:
            return softmax_attention(q, keys.at, keys, scoring)
        ends, end_keys = self._ends(keys, view.causal)
        outer = softmax_attention(q[:, :, ends], keys.at.take(ends), end_keys, scoring)
        inner = q[:, :, size : q.shape[2] - len(ends) + size]
        if not inner.shape[2]:
            return outer
        at = self._inner(keys.at, inner)
        if scoring.needs_weights:
            mixed = scattered_attention(inner, at, keys, self._places(blocks, view.causal, q.device), scoring)
        else:
            sets = self._sets(at, keys, scoring, blocks, causal=view.causal)
            mixed = union_attention(inner, sets, scale=scoring.scale, dropout=scoring.dropout)
        return torch.cat([outer[:, :, :size], mixed, outer[:, :, size:]], dim=2)

    def _weighed(self, q: Tensor, keys: Keys, blocks: int, view: View) -> Tensor:
        """The weights behind `_mixed`, [s h l l]."""
        scoring, size = self._scoring(view), self.block
        if not blocks:
            return attention_weights(q, keys.at, keys, scoring)
        ends, end_keys = self._ends(keys, view.causal)
        outer = attention_weights(q[:, :, ends], keys.at.take(ends), end_keys, scoring)
        outer = functional.pad(outer, (0, q.shape[2] - outer.shape[-1]))
        inner = q[:, :, size : q.shape[2] - len(ends) + size]
        if not inner.shape[2]:
            return outer
        places = self._places(blocks, view.causal, q.device)
        weights = scattered_weights(inner, self._inner(keys.at, inner), keys, places, scoring)
        return torch.cat([outer[:, :, :size], weights, outer[:, :, size:]], dim=2)

    def _sets(self, at: Coords, keys: Keys, scoring: Scoring, blocks: int, *, causal: bool) -> list[KeySet]:
        """What the inner blocks of queries see: window, ends, random blocks. at: [s|1 t q].

        A block that is drawn though it is seen anyway counts once more.
        """
        size, t, device = self.block, at.index.shape[1], at.index.device
        # once, so that neither windows nor picked blocks copy the whole
        keys = replace(keys, k=keys.k.contiguous(), v=keys.v.contiguous())
        width = size * (2 if causal else 3)
        slots = size * torch.arange(t, device=device).unsqueeze(1) + torch.arange(width, device=device)
        near_at = keys.at.take(slots)
        # the ends have a set of their own
        middle = slots >= size if causal else (slots >= size) & (slots < (blocks - 1) * size)
        near, visible = rearrange(middle, "t k -> 1 1 t 1 k"), allowed(keys.mask, at, near_at)
        near = near if visible is None else near & visible.unsqueeze(1)
        k, v = (rearrange(x.unfold(2, width, size), "s h t d k -> s h t k d") for x in (keys.k, keys.v))
        sets = [KeySet(k, v, near, scoring.bias(at, near_at))]

        earlier = replace(keys, mask=effective(keys.mask, keys.at, earlier=causal))
        ends, _ = self._ends(keys, causal)
        flat, ends_at = at.map(lambda x: rearrange(x, "s t q -> s (t q)")), keys.at.take(ends)
        visible = allowed(earlier.mask, flat, ends_at)
        allow = None if visible is None else visible.unsqueeze(1)
        sets.append(KeySet(keys.k[:, :, ends], keys.v[:, :, ends], allow, scoring.bias(flat, ends_at)))

        table = random_blocks(self.draw, blocks, causal=causal)[:, 1 : t + 1]
        if bool((table >= 0).any()):
            sets.append(scattered_set(at, earlier, Places.of(table, size, device), scoring))
        return sets

    def _continued(self, q: Tensor, keys: Keys, view: View) -> Tensor:
        """Queries of tokens that continue earlier ones, each with keys of its own. [b h q d] -> [b h q d]."""
        (b, _, m, _), n, seen, device = q.shape, len(keys.at), keys.at, q.device
        found = seen.once(("bigbird documents", b), lambda: documents(seen, b, padding=False))
        # as many rows as there may be soon: the causal pattern does not depend on their number
        blocks = seen_blocks(self.draw, 1 << (n // self.block).bit_length(), causal=True).to(device)
        outs = []
        for begin in range(0, m, self.block):
            new = slice(n - m + begin, min(n, n - m + begin + self.block))
            rank, start = (rearrange(t[:, new], "b q -> b 1 q 1") for t in (found.rank, found.start))
            mine = rearrange(blocks[:, rank[:, 0, :, 0] // self.block], "h b q c -> b h q c 1")
            ranks = mine * self.block + torch.arange(self.block, device=device)
            there = (mine >= 0) & (ranks <= rank.unsqueeze(-1))
            ranks, there = (rearrange(t, "b h q c s -> b h q (c s)") for t in (ranks, there))
            order = functional.pad(found.order, (0, 1))
            places = Places(order[(start + ranks).clamp(0, len(found.order))] % n, there)
            at = seen.map(lambda t, new=new: rearrange(t[:, new], "b q -> b q 1"))  # type: ignore[misc]
            outs.append(scattered_attention(q[:, :, begin : begin + self.block], at, keys, places, self._scoring(view)))
        return torch.cat(outs, dim=2)

    def _ends(self, keys: Keys, causal: bool) -> tuple[Tensor, Keys]:
        """Slots of the blocks that all see, and what the queries there see. Causal: the first block, and itself."""
        size, n = self.block, len(keys.at)
        first = torch.arange(size, device=keys.k.device)
        if not causal:
            return torch.cat([first, first + n - size]), replace(keys, aligned=False)
        k, v = keys.k[:, :, :size], keys.v[:, :, :size]
        return first, Keys(k, v, keys.at.take(first), keys.mask, aligned=False)

    def _inner(self, at: Coords, q: Tensor) -> Coords:
        """Coordinates of the inner blocks of queries: [s|1 t q]."""
        slots = torch.arange(self.block, self.block + q.shape[2], device=q.device)
        return at.take(rearrange(slots, "(t q) -> t q", q=self.block))

    def _places(self, blocks: int, causal: bool, device: torch.device) -> Places:
        """All that the inner blocks see."""
        seen = seen_blocks(self.draw, blocks, causal=causal)
        return Places.of(seen[:, 1:] if causal else seen[:, 1:-1], self.block, device)

    def _layout(self, view: View, rows: int) -> Layout:
        dense = 0 if view.causal else self.draw.dense
        counted = self.counted and not view.causal
        key = ("bigbird", rows, self.block, dense, counted)
        return view.at.once(key, lambda: lay_out(view.at, rows, block=self.block, dense=dense, padding=counted))

    def _scoring(self, view: View) -> Scoring:
        return Scoring(view.position, self.head_dim**-0.5, dropout=self.dropout if self.training else 0.0)

    def _queries(self, x: Tensor, view: View) -> Tensor:
        return view.position.rotate(split(self.query(view.marked(x)), self.head_dim), view.at, "query")

    def _project(self, position: Position, read: Tensor, at: Coords) -> tuple[Tensor, Tensor]:
        """Keys and values, [b h k d] each."""
        k = position.rotate(split(self.key(position.mark(read, at, "key")), self.head_dim), at, "key")
        return k, split(self.value(read), self.head_dim)


def _keys(part: Sequences, k: Tensor, v: Tensor, view: View) -> Keys:
    """The keys of one part of a layout."""
    # left-out padding within a row leaves gaps that a kernel would not know of
    return Keys(part.take(k), part.take(v), part.at, effective(view.mask, part.at), aligned=part.places is None)
