"""The engine of the softmax kinds: evaluates masks and position hooks, picks a kernel that does no more than needed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from torch import Tensor
from torch.nn import functional

from blocks.coords import Coords
from blocks.kernels.band import band_attention
from blocks.kernels.dense import dense_attention, masked_softmax
from blocks.masks import Band, Full, Mask, Valid, both, pairwise, split_band, terms
from blocks.position import Position


@dataclass(frozen=True)
class Keys:
    """Keys and values with where they stand and who may see them. k, v: [b h k d]; at: coordinates [b|1 k].

    aligned: the queries are the last of these tokens, in order, so that a kernel may evaluate causality by row.
    """

    k: Tensor
    v: Tensor
    at: Coords
    mask: Mask
    aligned: bool = True


@dataclass(frozen=True)
class Scoring:
    """How products become weights: scale * (q.k + content), capped, plus bias, softmax, dropout.

    sinks: [h], scores of a key that every query of a head sees and that has no value.
    """

    position: Position
    scale: float
    softcap: float | None = None
    dropout: float = 0.0
    sinks: Tensor | None = None

    @property
    def needs_weights(self) -> bool:
        """Whether no fused kernel will do: the position scheme looks at vectors or weights, or sinks escape a cap."""
        looks = bool(self.position.hooks & {"content_bias", "content_value"})
        return looks or (self.sinks is not None and self.softcap is not None)

    def bias(self, at: Coords, k_at: Coords) -> Tensor | None:
        """What the position scheme adds to every score, [b|1 h q k]; None where it adds nothing."""
        return self.position.bias(at.queries(), k_at.keys()) if "bias" in self.position.hooks else None


def softmax_attention(q: Tensor, at: Coords, keys: Keys, scoring: Scoring, extra: Keys | None = None) -> Tensor:
    """One softmax over `keys` and, where given, the disjoint set `extra`. q: [b h q d] -> [b h q d].

    A row that sees nothing gives zeros. A mask bounded on both sides costs O(n * window), never n x n.
    """
    band = split_band(keys.mask, at, keys.at)
    if keys.aligned and band.bounded and len(at) == len(keys.at) > 1:
        biased_extra = extra is not None and "bias" in scoring.position.hooks
        return (_tiled if scoring.needs_weights or biased_extra else _banded)(q, at, keys, scoring, extra, band)
    return _dense(q, at, keys, scoring, extra, band)


def attention_weights(q: Tensor, at: Coords, keys: Keys, scoring: Scoring) -> Tensor:
    """The weights behind `softmax_attention`, by the book and without dropout. q: [b h q d] -> [b h q k]."""
    return _weights(q, keys.k, at, keys.at, pairwise(keys.mask, at, keys.at), scoring)


def _banded(q: Tensor, at: Coords, keys: Keys, scoring: Scoring, extra: Keys | None, band: Band) -> Tensor:
    """The band kernel over strided views; what it does not know natively is evaluated tile by tile."""
    assert band.before is not None
    assert band.after is not None
    visible: Tensor | None = None
    pairs: Mask = Full()
    for term in terms(band.rest):
        if term.keys_only:
            allowed = term.allow(keys.at, keys.at)
            visible = allowed if visible is None else visible & allowed
        else:
            pairs = both(pairs, term)
    position = scoring.position

    def tile(q_rows: Tensor, k_rows: Tensor) -> tuple[Tensor | None, Tensor | None]:
        q_at, k_at = at.take(q_rows).queries(), keys.at.take(k_rows).keys()
        return None if isinstance(pairs, Full) else pairs.allow(q_at, k_at), position.bias(q_at, k_at)

    plain = isinstance(pairs, Full)
    k, v = keys.k, keys.v
    k_extra, v_extra = (None, None) if extra is None else (extra.k, extra.v)
    allow_extra = None if extra is None else pairwise(extra.mask, at, extra.at)
    if scoring.sinks is not None:
        assert extra is None
        q, k, v, k_extra, v_extra = _with_sink(q, k, v, scoring.sinks / scoring.scale)
    mixed = band_attention(
        q,
        k,
        v,
        before=band.before,
        after=band.after,
        key_valid=None if visible is None else visible.expand(len(q), -1),
        tile=None if plain and "bias" not in position.hooks else tile,
        tile_shift_invariant=plain and position.relative and at.valid is None and at.segment is None,
        k_extra=k_extra,
        v_extra=v_extra,
        allow_extra=None if allow_extra is None else rearrange(allow_extra, "b n g -> b 1 n g"),
        scale=scoring.scale,
        softcap=scoring.softcap,
        dropout=scoring.dropout,
    )
    return mixed if scoring.sinks is None else mixed[..., :-1]


def _dense(q: Tensor, at: Coords, keys: Keys, scoring: Scoring, extra: Keys | None, band: Band) -> Tensor:
    native = keys.aligned and band.causal and band.before is None and extra is None and not scoring.needs_weights
    unbounded = band.before is None and band.after is None
    rest = band.rest if native or unbounded else keys.mask
    allow = pairwise(rest, at, keys.at) if scoring.needs_weights else _visible(rest, at, keys.at)
    k, v, k_at = keys.k, keys.v, keys.at
    if extra is not None:
        wide = allow if allow is not None else torch.ones(1, 1, len(keys.at), dtype=torch.bool, device=q.device)
        allow = _beside(wide, pairwise(extra.mask, at, extra.at), len(at), len(extra.at))
        k, v, k_at = torch.cat([k, extra.k], 2), torch.cat([v, extra.v], 2), keys.at.then(extra.at)
    if scoring.needs_weights:
        return _explicit(q, k, v, at, k_at, allow, scoring)
    allow, bias = None if allow is None else rearrange(allow, "b q k -> b 1 q k"), scoring.bias(at, k_at)
    if scoring.sinks is not None:
        q, k, v, sink, nothing = _with_sink(q, k, v, scoring.sinks / scoring.scale)
        # first, where causality hides it from no query
        k, v = torch.cat([sink, k], 2), torch.cat([nothing, v], 2)
        allow = None if allow is None else functional.pad(allow, (1, 0), value=True)
        bias = None if bias is None else functional.pad(bias, (1, 0))
    mixed = dense_attention(
        q,
        k,
        v,
        allow=allow,
        bias=bias,
        causal=native,
        scale=scoring.scale,
        softcap=scoring.softcap,
        dropout=scoring.dropout,
    )
    return mixed if scoring.sinks is None else mixed[..., :-1]


def _with_sink(q: Tensor, k: Tensor, v: Tensor, product: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """q, k and v with one more coordinate, and a key [b h 1 d+1] with its value, zero, that meets every q by `product`.

    The new coordinate is 1 in queries and 0 in keys, so that other products stay as they are. product: [h].
    """
    b, h, _, d = k.shape
    sink = functional.pad(repeat(product.to(k.dtype), "h -> b h 1 1", b=b), (d, 0))
    q, k, v = functional.pad(q, (0, 1), value=1.0), functional.pad(k, (0, 1)), functional.pad(v, (0, 1))
    return q, k, v, sink, v.new_zeros(b, h, 1, d + 1)


def _visible(mask: Mask, at: Coords, k_at: Coords) -> Tensor | None:
    """As `pairwise`, but [b|1 1 k] where the mask depends on the key alone, so that padding makes no n x n mask."""
    if isinstance(mask, Full) or not all(term.keys_only for term in terms(mask)):
        return pairwise(mask, at, k_at)
    return mask.allow(k_at, k_at).unsqueeze(-2)


def _beside(left: Tensor, right: Tensor | None, queries: int, extra: int) -> Tensor:
    """Two visibilities [b|1 q|1 k] side by side."""
    right = left.new_ones(1, 1, extra) if right is None else right
    rows = max(len(left), len(right))
    return torch.cat([t.expand(rows, queries, -1) for t in (left, right)], dim=-1)


def _explicit(
    q: Tensor, k: Tensor, v: Tensor, at: Coords, k_at: Coords, allow: Tensor | None, scoring: Scoring
) -> Tensor:
    """Attention by the book, for schemes that look at vectors or weights."""
    weights = functional.dropout(_weights(q, k, at, k_at, allow, scoring), scoring.dropout)
    out = weights @ v
    value = scoring.position.content_value(weights, at, k_at)
    return out if value is None else out + value


def _weights(q: Tensor, k: Tensor, at: Coords, k_at: Coords, allow: Tensor | None, scoring: Scoring) -> Tensor:
    """The softmax of the scores. allow: [b|1 q k], or None for all -> [b h q k]."""
    products = torch.einsum("b h q d, b h k d -> b h q k", q, k)
    content = scoring.position.content_bias(q, k, at, k_at, allow)
    scores = (products if content is None else products + content) * scoring.scale
    if scoring.softcap is not None:
        scores = scoring.softcap * torch.tanh(scores / scoring.softcap)
    bias = scoring.bias(at, k_at)
    scores = scores if bias is None else scores + bias.to(scores.dtype)
    allow = None if allow is None else rearrange(allow, "b q k -> b 1 q k")
    if scoring.sinks is not None:
        sink = scoring.sinks.to(scores.dtype)[:, None, None].expand(*scores.shape[:3], 1)
        scores, allow = (
            torch.cat([scores, sink], -1),
            None if allow is None else functional.pad(allow, (0, 1), value=True),
        )
    weights = scores.softmax(-1) if allow is None else masked_softmax(scores, allow)
    return weights if scoring.sinks is None else weights[..., :-1]


def _tiled(q: Tensor, at: Coords, keys: Keys, scoring: Scoring, extra: Keys | None, band: Band) -> Tensor:
    """Fold blocks of queries, each with the stretch of keys in its reach, into the batch."""
    assert band.before is not None
    assert band.after is not None
    b, n = len(q), len(at)
    size = min(n, max(32, band.before + band.after + 1))
    tiles = -(-n // size)
    first = torch.arange(tiles, device=q.device).unsqueeze(-1) * size
    q_rows = first + torch.arange(size, device=q.device)
    k_rows = first + torch.arange(-band.before, size + band.after, device=q.device)

    def fold(t: Tensor, rows: Tensor) -> Tensor:
        return rearrange(t[:, :, rows.clamp(0, n - 1)], "b h t n d -> (b t) h n d")

    def fold_at(where: Coords, rows: Tensor) -> Coords:
        taken = where.take(rows.clamp(0, n - 1))
        taken = taken.where(((rows >= 0) & (rows < n)).unsqueeze(0))
        return taken.map(lambda t: rearrange(t.expand(b, -1, -1), "b t n -> (b t) n"))

    tile_keys = Keys(fold(keys.k, k_rows), fold(keys.v, k_rows), fold_at(keys.at, k_rows), both(keys.mask, Valid()))
    if extra is not None:
        extra = Keys(
            repeat(extra.k, "b h g d -> (b t) h g d", t=tiles),
            repeat(extra.v, "b h g d -> (b t) h g d", t=tiles),
            extra.at.map(lambda t: repeat(t.expand(b, -1), "b g -> (b t) g", t=tiles)),
            extra.mask,
        )
    tile_at = fold_at(at, q_rows)
    out = _dense(fold(q, q_rows), tile_at, tile_keys, scoring, extra, split_band(tile_keys.mask, tile_at, tile_keys.at))
    return rearrange(out, "(b t) h n d -> b h (t n) d", b=b)[:, :, :n]
