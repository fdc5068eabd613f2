"""Softmax attention to keys that stand anywhere in their row, others for each block of queries and each head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from blocks.attention.softmax import Keys, Scoring, attention_weights, softmax_attention
from blocks.coords import Coords
from blocks.kernels.union import KeySet, union_attention
from blocks.masks import Causal, Full, Mask, SameSegment, Valid, both, terms


@dataclass(frozen=True)
class Places:
    """Where the keys of each block of queries stand. slots: [b|1 h|1 t k], numbers in the row.

    there: of the same shape, False where there is no key. A slot that is named twice counts twice.
    """

    slots: Tensor
    there: Tensor

    @classmethod
    def of(cls, blocks: Tensor, size: int, device: torch.device) -> Places:
        """Places of the tokens of whole blocks of keys. blocks: [h t c], -1 for none."""
        if bool((blocks == blocks[:1]).all()):
            blocks = blocks[:1]
        blocks = rearrange(blocks, "h t c -> 1 h t c 1").to(device)
        slots = blocks * size + torch.arange(size, device=device)
        slots, there = (rearrange(x, "b h t c s -> b h t (c s)") for x in (slots, (blocks >= 0).expand(slots.shape)))
        return cls(slots.clamp(min=0), there)


def scattered_attention(q: Tensor, at: Coords, keys: Keys, places: Places, scoring: Scoring) -> Tensor:
    """Attention of blocks of queries to the keys at their places. q: [b h (t q) d]; at: [b|1 t q] -> [b h (t q) d]."""
    if not scoring.needs_weights:
        one = scattered_set(at, keys, places, scoring)
        return union_attention(q, [one], scale=scoring.scale, softcap=scoring.softcap, dropout=scoring.dropout)
    heads = [softmax_attention(t.q, t.at, t.keys, scoring)[:, t.heads] for t in tiles(q, at, keys, places)]
    return rearrange(torch.cat(heads, 1), "(b t) h q d -> b h (t q) d", b=len(q))


def scattered_weights(q: Tensor, at: Coords, keys: Keys, places: Places, scoring: Scoring) -> Tensor:
    """The weights behind `scattered_attention`, over all keys: [b h (t q) n]."""
    n, outs = len(keys.at), []
    for h, tile in enumerate(tiles(q, at, keys, places)):
        shares = attention_weights(tile.q, tile.at, tile.keys, scoring)[:, tile.heads]
        shares = rearrange(shares, "(b t) h q k -> b h t q k", b=len(q))
        slots = rearrange(places.slots[:, h : h + 1], "b h t k -> b h t 1 k").expand(shares.shape)
        outs.append(shares.new_zeros(*shares.shape[:-1], n).scatter_add(-1, slots, shares))
    return rearrange(torch.cat(outs, 1), "b h t q n -> b h (t q) n")


def scattered_set(at: Coords, keys: Keys, places: Places, scoring: Scoring) -> KeySet:
    """The keys at the places as a set for one softmax with others. at: of the queries, [b|1 t q]."""
    k_at = _take(keys.at, places.slots)
    allow = rearrange(places.there, "b h t k -> b h t 1 k")
    visible = allowed(keys.mask, at.map(lambda t: rearrange(t, "b t q -> b 1 t q")), k_at)
    k, v = (_pick(t, places.slots) for t in (keys.k, keys.v))
    return KeySet(k, v, allow if visible is None else allow & visible, _bias(at, k_at, scoring))


def _bias(at: Coords, k_at: Coords, scoring: Scoring) -> Tensor | None:
    """What the position scheme adds to scores. at: [b|1 t q]; k_at: [b|1 h|1 t k] -> [b|1 h t q k]."""
    biases = []
    for h in range(k_at.index.shape[1]):
        bias = scoring.bias(at, k_at.map(lambda t, h=h: t[:, h]))  # type: ignore[misc]
        if bias is None or k_at.index.shape[1] == 1:
            return bias
        # a scheme sees one row of coordinates for all heads: of each answer one head's is kept, without the rest
        biases.append(bias[:, h : h + 1].clone())
    return torch.cat(biases, dim=1)


@dataclass(frozen=True)
class Tile:
    """Blocks of queries as rows of a batch, with keys that are right for some of the heads.

    q: [(b t) h q d]; at: [(b t) q]; keys: [(b t) h k d].
    """

    heads: slice
    q: Tensor
    at: Coords
    keys: Keys


def tiles(q: Tensor, at: Coords, keys: Keys, places: Places) -> Iterator[Tile]:
    """One tile for all heads where their places are the same, one for each otherwise."""
    b, t = len(q), places.slots.shape[2]

    def fold(where: Coords) -> Coords:
        return where.map(lambda c: rearrange(c.expand(b, *c.shape[1:]), "b t n -> (b t) n"))

    rows, rows_at = rearrange(q, "b h (t q) d -> (b t) h q d", t=t), fold(at)
    for h in range(places.slots.shape[1]):
        slots, there = places.slots[:, h : h + 1], places.there[:, h]
        k_at = fold(_take(keys.at, slots[:, 0]).where(there))
        k, v = (rearrange(_pick(x, slots), "b h t k d -> (b t) h k d") for x in (keys.k, keys.v))
        own = slice(None) if places.slots.shape[1] == 1 else slice(h, h + 1)
        yield Tile(own, rows, rows_at, Keys(k, v, k_at, both(keys.mask, Valid()), aligned=False))


def allowed(mask: Mask, q: Coords, k: Coords) -> Tensor | None:
    """[... q|1 k], True where visible, None when the mask hides nothing. q, k: fields [... q] and [... k]."""
    if isinstance(mask, Full):
        return None
    if all(term.keys_only for term in terms(mask)):
        return mask.allow(k.keys(), k.keys())
    return mask.allow(q.queries(), k.keys())


def effective(mask: Mask, at: Coords, *, earlier: bool = False) -> Mask:
    """`mask` without the terms that hide nothing within `at`. earlier: all keys stand before all queries."""
    rest: Mask = Full()
    for term in terms(mask):
        match term:
            case Valid() if at.valid is None:
                pass
            case SameSegment() if at.segment is None:
                pass
            case Causal() if earlier:
                pass
            case _:
                rest = both(rest, term)
    return rest


def _take(at: Coords, slots: Tensor) -> Coords:
    """Coordinates of the tokens at slots [b|1 ...]: fields of the same shape."""
    if len(slots) == 1:
        return at.take(slots[0])
    taken = at.gather(slots.flatten(1))
    return taken.map(lambda t: t.reshape(slots.shape))


def _pick(t: Tensor, slots: Tensor) -> Tensor:
    """The tokens at slots [b|1 h|1 t k] of t [b h n d] -> [b h t k d]."""
    b, h, n, _ = t.shape
    row = torch.arange(b, device=t.device).view(-1, 1, 1, 1)
    head = torch.arange(h, device=t.device).view(-1, 1, 1)
    if 2 * slots.shape[2] * slots.shape[3] < n:
        # a step of decoding wants few of many keys, in a cache that is not to be copied
        return t[row, head, slots]
    index = (row * h + head) * n + slots
    flat = rearrange(t, "b h n d -> (b h n) d").index_select(0, index.flatten())
    return flat.view(*index.shape, -1)
