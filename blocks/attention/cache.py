"""What an attention kind remembers between decoding steps. Batch first in every tensor; caches carry no gradient."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from torch import Tensor

from blocks.coords import Coords


@dataclass
class Cache:
    """State of one attention layer while decoding; kinds add tensors (batch first), coordinates, buffers, caches."""

    def select(self, rows: Tensor) -> Cache:
        """The cache of the batch rows `rows` [b'], as beams are reordered; this one is left as it is."""
        new = copy.copy(self)
        for f in fields(new):
            value = getattr(new, f.name)
            if isinstance(value, Tensor):
                setattr(new, f.name, value[rows])
            elif isinstance(value, Coords | Buffer | Cache):
                setattr(new, f.name, value.select(rows))
        return new

    @property
    def numbers(self) -> int:
        """How many numbers the cache holds."""
        values = [getattr(self, f.name) for f in fields(self)]
        held = [v.data if isinstance(v, Buffer) else v for v in values]
        own = sum(v.numel() for v in held if isinstance(v, Tensor))
        return own + sum(v.numbers for v in values if isinstance(v, Cache))


@dataclass
class Memory(Cache):
    """A cache of bounded size that a text carries from one segment to the next, while training as well.

    Its fields are tensors, coordinates, numbers and None.
    """

    def count_from(self, tokens: int) -> None:
        """Move the origin of all coordinates `tokens` ahead, for a text in which nothing is padded."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain data, for a checkpoint."""
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: _plain(value) if isinstance(value, Coords) else value for name, value in held.items()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        for name, value in saved.items():
            setattr(self, name, Coords(**value) if isinstance(value, Mapping) else value)


class Buffer:
    """A tensor [b g n d] that grows along n in place, keeping its last `limit` tokens (None: all).

    Memory is claimed by doubling, so that a step costs O(1); with a limit it stays below twice the limit.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.data: Tensor | None = None
        self.start = self.end = 0

    def append(self, new: Tensor) -> Tensor:
        """Add `new` [b g n d]; returns what is kept and visible to the new tokens, [b g k d]."""
        new = new.detach()
        count = new.shape[2]
        if self.data is None or self.end + count > self.data.shape[2]:
            self._move(new)
        assert self.data is not None
        self.data[:, :, self.end : self.end + count] = new
        self.end += count
        seen = self.data[:, :, self.start : self.end]
        if self.limit is not None:
            self.start = max(self.start, self.end - self.limit)
        return seen

    def select(self, rows: Tensor) -> Buffer:
        new = Buffer(self.limit)
        new.start, new.end = self.start, self.end
        new.data = None if self.data is None else self.data[rows]
        return new

    def _move(self, new: Tensor) -> None:
        kept = self.end - self.start
        need = kept + new.shape[2]
        data = new.new_empty(*new.shape[:2], max(64, 2 * need), new.shape[3])
        if self.data is not None:
            data[:, :, :kept] = self.data[:, :, self.start : self.end]
        self.data, self.start, self.end = data, 0, kept


@dataclass
class KeyValueCache(Cache):
    """Keys and values of the tokens so far, the last `limit` of them where a window bounds the need.

    k, v: [b g n d], keys already rotated. at: their coordinates.
    """

    limit: int | None = None
    k: Buffer = field(init=False)
    v: Buffer = field(init=False)
    at: Coords | None = None

    def __post_init__(self) -> None:
        self.k, self.v = Buffer(self.limit), Buffer(self.limit)

    def extend(self, k: Tensor, v: Tensor, at: Coords) -> tuple[Tensor, Tensor, Coords]:
        """Add tokens; returns keys, values and coordinates of all that they may see, themselves included."""
        seen = at if self.at is None else self.at.then(at)
        self.at = seen if self.limit is None else seen.last(min(self.limit, len(seen)))
        return self.k.append(k), self.v.append(v), seen


@dataclass
class SourceCache(Cache):
    """Keys and values of another stream, projected once. k, v: [b g k d]."""

    k: Tensor | None = None
    v: Tensor | None = None

    def fill(self, k: Tensor, v: Tensor) -> None:
        self.k, self.v = k.detach(), v.detach()


def _plain(at: Coords) -> dict[str, Tensor | None]:
    return {f.name: getattr(at, f.name) for f in fields(at) if f.init}
