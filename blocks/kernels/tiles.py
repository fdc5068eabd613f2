"""The tiles of a band: which rows each block of queries sees, and the mask of each tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor

from blocks.kernels.flash import additive, spread

Tile = Callable[[Tensor, Tensor], tuple[Tensor | None, Tensor | None]]


@dataclass(frozen=True)
class Block:
    """Queries q0 <= i < q1 and all the keys k0 <= j < k1 that one of them may see."""

    q0: int
    q1: int
    k0: int
    k1: int


def plan(n: int, before: int, after: int, block: int | None) -> list[Block]:
    """Blocks of consecutive queries with the keys in reach, cut at both ends of the sequence."""
    size = block_size(n, before, after) if block is None else block
    starts = range(0, n, size)
    ends = [min(start + size, n) for start in starts]
    return [Block(s, e, max(0, s - before), min(n, e + after)) for s, e in zip(starts, ends, strict=True)]


def block_size(n: int, before: int, after: int) -> int:
    """Queries per tile. Small tiles waste less of the corners that the band does not cover, but cost more calls."""
    width = before + after
    size = 32 if width <= 64 else 64 if width <= 512 else 128
    return n if n * n <= 1.25 * n * (width + size) else size


@dataclass
class Tiles:
    """The masks of all tiles, made when they are asked for; those that several tiles share are kept."""

    blocks: list[Block]
    before: int
    after: int
    usable: Tensor | None
    tile: Tile | None
    shift_invariant: bool
    dtype: torch.dtype
    device: torch.device
    _shared: tuple[Tensor | None, Tensor | None] | None = None
    _masks: dict[tuple[int, ...], Tensor | None] = field(default_factory=dict)
    _all_usable: Tensor | None = None

    def __post_init__(self) -> None:
        # Read back how many keys are unusable up to each row, to skip tiles without any; elsewhere than on the CPU that
        # would wait for the device.
        if self.usable is not None and self.device.type == "cpu":
            hidden = (~self.usable).any(0).cumsum(0)
            self._hidden: list[int] | None = [0, *hidden.tolist()]
        else:
            self._hidden = None

    def learned(self) -> bool:
        """Whether the bias of the tiles requires a gradient."""
        if self.tile is None or not torch.is_grad_enabled():
            return False
        bias = self._call(self.blocks[0])[1]
        return bias is not None and bias.requires_grad

    def mask(self, at: Block) -> tuple[Tensor | None, bool]:
        """What to add to the scores of a tile [b|1 h|1 q k], and whether it may hide every key from some row."""
        key = _shape(at)
        if self.tile is None or self._interior(at):
            if key not in self._masks:
                self._masks[key] = self._additive(at)
            mask = self._masks[key]
        else:
            mask = self._additive(at)
        usable = self._usable(at)
        if usable is not None:
            zero = torch.zeros((), dtype=self.dtype, device=self.device)
            mask = spread(torch.where(usable, zero if mask is None else mask, -torch.inf), 4, *key[:2])
        return mask, usable is not None or self.tile is not None

    def _additive(self, at: Block) -> Tensor | None:
        mask = additive(*self._band_and_tile(at), self.dtype)
        return None if mask is None else spread(mask, 4, at.q1 - at.q0, at.k1 - at.k0)

    def parts(self, at: Block) -> tuple[Tensor, Tensor | None]:
        """(allow [b|1 1 q k], bias [b|1 h|1 q k] or None) of a tile, for a kernel that wants them apart."""
        allow, bias = self._band_and_tile(at)
        if allow is None:
            allow = torch.ones((at.q1 - at.q0, at.k1 - at.k0), dtype=torch.bool, device=self.device)
        usable = self._usable(at)
        allow = allow if usable is None else allow & usable
        return spread(allow, 4, at.q1 - at.q0, at.k1 - at.k0), bias

    def _interior(self, at: Block) -> bool:
        return self.shift_invariant and at.q0 - at.k0 == self.before and at.k1 - at.q1 == self.after

    def _band_and_tile(self, at: Block) -> tuple[Tensor | None, Tensor | None]:
        allow = band_allow(*_shape(at), self.before, self.after, self.device)
        if self.tile is None:
            return allow, None
        if self._interior(at) and at.q1 - at.q0 == self.blocks[0].q1:
            self._shared = self._call(at) if self._shared is None else self._shared
            narrow, bias = self._shared
        else:
            narrow, bias = self._call(at)
        if narrow is not None:
            allow = narrow if allow is None else allow & narrow
        return allow, bias

    def _call(self, at: Block) -> tuple[Tensor | None, Tensor | None]:
        assert self.tile is not None
        q_rows = torch.arange(at.q0, at.q1, device=self.device)
        k_rows = torch.arange(at.k0, at.k1, device=self.device)
        allow, bias = self.tile(q_rows[None], k_rows[None])
        # One tile at a time: its axis t is where the heads go in a mask, and goes away in a bias.
        return allow, None if bias is None else bias[:, :, 0]

    def _usable(self, at: Block) -> Tensor | None:
        if self.usable is None or (self._hidden is not None and self._hidden[at.k1] == self._hidden[at.k0]):
            return None
        return self.usable[:, None, None, at.k0 : at.k1]


def _shape(at: Block) -> tuple[int, int, int]:
    return at.q1 - at.q0, at.k1 - at.k0, at.q0 - at.k0


@lru_cache(maxsize=64)
def band_allow(n_q: int, n_k: int, shift: int, before: int, after: int, device: torch.device) -> Tensor | None:
    """[q k], True where the key is in reach, when query row 0 is key row `shift`; None when that is everywhere."""
    if n_q - 1 + shift <= before and n_k - 1 - shift <= after:
        return None
    # A tensor born in inference mode could not be used in a training step later.
    with torch.inference_mode(False):
        apart = torch.arange(n_k, device=device) - torch.arange(n_q, device=device)[:, None] - shift
        return (apart >= -before) & (apart <= after)
