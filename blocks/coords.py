"""Where tokens stand. The only thing that masks and position schemes may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
from einops import rearrange
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Coords:
    """Coordinates of the tokens of one stream: tensors [b n] or [1 n], None where nothing departs from the plain case.

    index: order in the stream, counted from its first token, padding included; consecutive along n.
    pos: what position schemes see; restarts in each packed document and skips left padding.
    valid: False on padding (None: no padding).
    segment: number of the packed document (None: one document a row).
    prefix: True on tokens that every token may see, as in a prefix LM (None: no prefix).
    globals: True on tokens with global attention (None: the attention kind's own rule).
    types: kind of each token, as BERT's sentence A and B (None: all are of kind 0).
    row, column: place in a grid, as of the patches of an image, from 0 (None: no grid). height, width: extent of the
    grid at the token's own column and row, padding left out; -1 on tokens outside the grid (class tokens), whose
    `column` numbers them.
    """

    index: Tensor
    pos: Tensor
    valid: Tensor | None = None
    segment: Tensor | None = None
    prefix: Tensor | None = None
    globals: Tensor | None = None
    types: Tensor | None = None
    row: Tensor | None = None
    column: Tensor | None = None
    height: Tensor | None = None
    width: Tensor | None = None
    _known: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        length: int,
        *,
        start: int = 0,
        offset: Tensor | None = None,
        valid: Tensor | None = None,
        segment: Tensor | None = None,
        prefix: Tensor | None = None,
        globals: Tensor | None = None,
        types: Tensor | None = None,
        device: torch.device | None = None,
    ) -> Coords:
        """Coordinates of `length` tokens that follow `start` earlier ones.

        offset: [b 1], the `pos` of the next valid token (None: `start`).
        valid, prefix, globals: bool [b n]; segment, types: int [b n].
        """
        index = rearrange(torch.arange(start, start + length, device=device), "n -> 1 n")
        pos = (
            index if offset is None and valid is None else _count(index, valid) + (start if offset is None else offset)
        )
        if segment is not None:
            pos = pos - _first_of_segment(pos, segment)
        return cls(index, pos, valid, segment, prefix, globals, types)

    def __len__(self) -> int:
        return self.index.shape[1]

    def queries(self) -> Coords:
        """The same with an axis for keys: fields [b n 1]."""
        return self.once("queries", lambda: self.map(lambda t: t.unsqueeze(-1)))

    def keys(self) -> Coords:
        """The same with an axis for queries: fields [b 1 n]."""
        return self.once("keys", lambda: self.map(lambda t: t.unsqueeze(-2)))

    def take(self, rows: Tensor) -> Coords:
        """The tokens at `rows`, an index of any shape into n shared by the batch: fields [b *rows.shape]."""
        return self.map(lambda t: t[:, rows])

    def gather(self, rows: Tensor) -> Coords:
        """The tokens at `rows` [b r], an index into n of each batch row: fields [b r]."""
        return self.map(lambda t: t.expand(len(rows), -1).gather(1, rows))

    def last(self, count: int) -> Coords:
        """The last `count` tokens."""
        return self.once(("last", count), lambda: self.map(lambda t: t[:, t.shape[1] - count :]))

    def select(self, rows: Tensor) -> Coords:
        """The batch rows `rows` [b'], as beams are reordered."""
        return self.map(lambda t: t if len(t) == 1 else t[rows])

    def then(self, later: Coords) -> Coords:
        """These tokens followed by `later` ones."""
        earlier, joined = later._known.get("after", (None, None))
        # all layers of a stack ask for the same
        if earlier is not self or joined is None:
            joined = Coords(*(_join(name, self, later) for name in _NAMES))  # type: ignore[arg-type]
            later._known["after"] = self, joined
        return joined

    def where(self, keep: Tensor) -> Coords:
        """The same with everything outside `keep`, of the coordinates' shape, marked as padding."""
        return replace(self, valid=keep if self.valid is None else self.valid & keep)

    def map(self, change: Callable[[Tensor], Tensor]) -> Coords:
        """The same change made to every coordinate that is there."""
        values = (getattr(self, name) for name in _NAMES)
        return Coords(*(None if t is None else change(t) for t in values))  # type: ignore[arg-type]

    def once(self, key: Any, compute: Callable[[], T]) -> T:
        """What follows from these coordinates alone, computed for the first layer that asks and kept for the others.

        key: what it is, with all that it depends on beside the coordinates.
        """
        key = key, torch.is_inference_mode_enabled()
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]


_NAMES = ("index", "pos", "valid", "segment", "prefix", "globals", "types", "row", "column", "height", "width")


def _count(index: Tensor, valid: Tensor | None) -> Tensor:
    """Position of each valid token among the valid ones of this call; 0 before the first of them."""
    if valid is None:
        return index - index[:, :1]
    return (valid.long().cumsum(1) - 1).clamp(min=0)


def _first_of_segment(pos: Tensor, segment: Tensor) -> Tensor:
    """`pos` of the first token of each token's packed document; the tokens of a document stand together."""
    starts = torch.ones_like(segment, dtype=torch.bool)
    starts[:, 1:] = segment[:, 1:] != segment[:, :-1]
    return torch.where(starts, pos, torch.zeros_like(pos)).cummax(1).values


_PLAIN = {"valid": True, "segment": 0, "prefix": False, "globals": False, "types": 0}
_PLAIN |= {"row": 0, "column": 0, "height": -1, "width": -1}


def _join(name: str, a: Coords, b: Coords) -> Tensor | None:
    left, right = getattr(a, name), getattr(b, name)
    if left is None and right is None:
        return None
    left, right = (
        torch.full_like(at.index, _PLAIN[name], dtype=other.dtype) if mine is None else mine
        for at, mine, other in ((a, left, right), (b, right, left))
    )
    rows = max(len(left), len(right))
    return torch.cat([left.expand(rows, -1), right.expand(rows, -1)], dim=1)
