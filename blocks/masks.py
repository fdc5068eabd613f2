"""Which keys a query may see: frozen objects without tensors, evaluated elementwise on coordinates.

The topology owns visibility and a layer may only narrow it with `&`, so that no spec can leak the future.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from blocks.coords import Coords


class Mask(Protocol):
    """Visibility of keys to queries. keys_only: whether it depends on the key alone."""

    keys_only: ClassVar[bool]

    def allow(self, q: Coords, k: Coords) -> Tensor:
        """True where the key is visible; q and k have fields that broadcast against each other."""
        ...


class Composable:
    """Gives a mask its operators."""

    keys_only: ClassVar[bool] = False

    def allow(self, q: Coords, k: Coords) -> Tensor:
        raise NotImplementedError

    def __and__(self, other: Mask) -> Mask:
        return both(self, other)

    def __or__(self, other: Mask) -> Mask:
        return Either(self, other)


@dataclass(frozen=True)
class Full(Composable):
    """Every key."""

    def allow(self, q: Coords, k: Coords) -> Tensor:
        return torch.ones_like(q.index - k.index, dtype=torch.bool)


@dataclass(frozen=True)
class Causal(Composable):
    """Keys up to and including the query."""

    def allow(self, q: Coords, k: Coords) -> Tensor:
        return k.index <= q.index


@dataclass(frozen=True)
class Window(Composable):
    """Keys at most `before` tokens earlier and at most `after` tokens later than the query."""

    before: int
    after: int

    def allow(self, q: Coords, k: Coords) -> Tensor:
        ahead = k.index - q.index
        return (ahead >= -self.before) & (ahead <= self.after)


@dataclass(frozen=True)
class Valid(Composable):
    """Keys that are not padding."""

    keys_only = True

    def allow(self, q: Coords, k: Coords) -> Tensor:
        return Full().allow(q, k) if k.valid is None else k.valid & Full().allow(q, k)


@dataclass(frozen=True)
class SameSegment(Composable):
    """Keys of the query's own packed document."""

    def allow(self, q: Coords, k: Coords) -> Tensor:
        if q.segment is None or k.segment is None:
            return Full().allow(q, k)
        return (q.segment == k.segment) & Full().allow(q, k)


@dataclass(frozen=True)
class Prefix(Composable):
    """Keys of the prefix."""

    keys_only = True

    def allow(self, q: Coords, k: Coords) -> Tensor:
        if k.prefix is None:
            return ~Full().allow(q, k)
        return k.prefix & Full().allow(q, k)


@dataclass(frozen=True)
class Both(Composable):
    """Keys that both masks show."""

    left: Mask
    right: Mask

    def allow(self, q: Coords, k: Coords) -> Tensor:
        return self.left.allow(q, k) & self.right.allow(q, k)


@dataclass(frozen=True)
class Either(Composable):
    """Keys that at least one of the masks shows."""

    left: Mask
    right: Mask

    def allow(self, q: Coords, k: Coords) -> Tensor:
        return self.left.allow(q, k) | self.right.allow(q, k)


def both(left: Mask, right: Mask) -> Mask:
    """`left & right` without the terms that hide nothing."""
    if isinstance(left, Full):
        return right
    return left if isinstance(right, Full) else Both(left, right)


def terms(mask: Mask) -> Iterator[Mask]:
    """The masks whose conjunction is `mask`."""
    if isinstance(mask, Both):
        yield from terms(mask.left)
        yield from terms(mask.right)
    else:
        yield mask


@dataclass(frozen=True)
class Band:
    """A mask split into what kernels know natively: a band around the diagonal, and the rest.

    before, after: how far the band reaches from the query, None for no bound on that side.
    rest: the conjunction of everything else.
    """

    before: int | None
    after: int | None
    rest: Mask

    @property
    def causal(self) -> bool:
        return self.after == 0

    @property
    def bounded(self) -> bool:
        return self.before is not None and self.after is not None


def split_band(mask: Mask, q: Coords, k: Coords) -> Band:
    """Split `mask`, leaving out of the rest the terms that hide nothing at these coordinates."""
    before: int | None = None
    after: int | None = None
    rest: Mask = Full()
    for term in terms(mask):
        match term:
            case Causal():
                after = 0 if after is None else min(after, 0)
            case Window():
                before = term.before if before is None else min(before, term.before)
                after = term.after if after is None else min(after, term.after)
            case Valid() if k.valid is None:
                pass
            case SameSegment() if q.segment is None or k.segment is None:
                pass
            case Either(Causal(), Prefix()) if k.prefix is None:
                after = 0 if after is None else min(after, 0)
            case _:
                rest = both(rest, term)
    return Band(before, after, rest)


def pairwise(mask: Mask, q: Coords, k: Coords) -> Tensor | None:
    """[b|1 q k], True where visible; None when the mask hides nothing."""
    return None if isinstance(mask, Full) else mask.allow(q.queries(), k.keys())
