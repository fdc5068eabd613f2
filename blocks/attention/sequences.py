"""Packed documents and padded rows as sequences of their own, for kinds whose pattern counts tokens from the start."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from blocks.coords import Coords


@dataclass(frozen=True)
class Documents:
    """Where the documents of a batch stand, one in each row unless rows are packed. Padding is left out.

    order: [t], the places of their tokens in the flattened batch (b n), document after document.
    begin, size: [d], where each document begins in `order`, and its number of tokens.
    start, rank: [b n], where the document of a token begins in `order`, and which of its tokens it is; 0 for padding.
    """

    order: Tensor
    begin: Tensor
    size: Tensor
    start: Tensor
    rank: Tensor


def documents(at: Coords, rows: int, *, padding: bool) -> Documents:
    """The documents of a batch of so many rows. padding: whether padding counts as tokens of its document."""
    n = len(at)
    counted = torch.ones_like(at.index, dtype=torch.bool) if at.valid is None or padding else at.valid
    order = counted.expand(rows, n).flatten().nonzero().squeeze(1)
    row, new = order // n, torch.ones_like(order, dtype=torch.bool)
    new[1:] = row[1:] != row[:-1]
    if at.segment is not None:
        segment = at.segment.expand(rows, n).flatten()[order]
        new[1:] |= segment[1:] != segment[:-1]
    begin = new.nonzero().squeeze(1)
    size = torch.cat([begin, begin.new_tensor([len(order)])]).diff()
    start = begin.repeat_interleave(size)
    rank = torch.arange(len(order), device=order.device) - start
    start, rank = (order.new_zeros(rows * n).scatter(0, order, t) for t in (start, rank))
    return Documents(order, begin, size, start.view(rows, n), rank.view(rows, n))


@dataclass(frozen=True)
class Sequences:
    """Sequences of equal length l: rows of the batch as they are, or documents filled up at the end.

    blocks: how many blocks the pattern has, 0 where all tokens see each other. at: coordinates [s|1 l].
    places: [s l], where the tokens stand in the flattened batch (b n); None for the rows as they are.
    """

    blocks: int
    at: Coords
    places: Tensor | None = None

    def take(self, t: Tensor) -> Tensor:
        """The sequences' part of a batch. t: [b h n d] -> [s h l d]."""
        if self.places is None:
            more = len(self.at) - t.shape[2]
            return functional.pad(t, (0, 0, 0, more)) if more else t
        flat = rearrange(t, "b h n d -> (b n) h d").index_select(0, self.places.flatten())
        return rearrange(flat, "(s l) h d -> s h l d", l=len(self.at))

    def spread(self, weights: Tensor, n: int) -> Tensor:
        """Weights over the sequences' own tokens as weights over a row's n tokens. [s h l l] -> [s h l n]."""
        if self.places is None:
            return weights[..., :n]
        slots = rearrange(self.places % n, "s l -> s 1 1 l").expand(weights.shape)
        return weights.new_zeros(*weights.shape[:3], n).scatter_add(-1, slots, weights)


@dataclass(frozen=True)
class Layout:
    """A batch laid out as sequences. places: [(b n)], where each token's output stands among those of all parts."""

    parts: list[Sequences]
    places: Tensor | None = None

    def join(self, outs: list[Tensor], n: int) -> Tensor:
        """Outputs [s h l d] of the parts as rows of n tokens, zeros for padding: [b h n d]."""
        if self.places is None:
            return outs[0][:, :, :n]
        flat = [rearrange(out, "s h l d -> (s l) h d") for out in outs]
        flat.append(torch.zeros_like(flat[0][:1]))
        return rearrange(torch.cat(flat).index_select(0, self.places), "(b n) h d -> b h n d", n=n)


def lay_out(at: Coords, rows: int, *, block: int, dense: int, padding: bool) -> Layout:
    """Sequences of whole blocks, those with as many blocks together; up to `dense` blocks, all tokens see each other.

    padding: whether it counts as tokens, so that the pattern goes by the longest row of the batch.
    """
    n = len(at)
    # a dry run on the meta device has no numbers to lay out
    if at.index.is_meta or (at.segment is None and (at.valid is None or padding)):
        return Layout([_whole(at, -(-n // block), block, dense)])
    found = documents(at, rows, padding=padding)
    blocks = -(-found.size // block)
    if not len(blocks) or int(blocks.max()) <= dense:
        return Layout([Sequences(0, at)])
    if len(blocks) == rows and bool((found.size == n).all()):
        return Layout(
            [_whole(replace(at, segment=None, valid=at.valid if padding else None), -(-n // block), block, dense)]
        )
    blocks = blocks.where(blocks > dense, torch.zeros_like(blocks))
    parts, places, done = [], found.order.new_full((rows * n,), -1), 0
    for number in sorted(set(blocks.tolist())):
        chosen = (blocks == number).nonzero().squeeze(1)
        size = found.size[chosen].unsqueeze(1)
        length = number * block if number else int(size.max())
        rank = torch.arange(length, device=size.device)
        there = rank < size
        mine = found.order[(found.begin[chosen].unsqueeze(1) + rank).clamp(max=len(found.order) - 1)]
        taken = at.map(lambda t, mine=mine: t.expand(rows, -1).flatten()[mine]).where(there)  # type: ignore[misc]
        whole = taken.valid is not None and bool(taken.valid.all())
        parts.append(Sequences(number, replace(taken, segment=None, valid=None if whole else taken.valid), mine))
        places[mine[there]] = done + there.flatten().nonzero().squeeze(1)
        done += there.numel()
    return Layout(parts, torch.where(places < 0, done, places))


def _whole(at: Coords, blocks: int, block: int, dense: int) -> Sequences:
    """The rows as they are, filled up to whole blocks."""
    if blocks <= dense:
        return Sequences(0, at)
    slots = torch.arange(blocks * block, device=at.index.device)
    filled = at.take(slots.clamp(max=len(at) - 1))
    return Sequences(blocks, at if len(slots) == len(at) else filled.where((slots < len(at)).unsqueeze(0)))
