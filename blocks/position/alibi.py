"""Attention with linear biases."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.position.base import Position
from registry import part
from registry.types import PositiveFloat


def slopes(heads: int, *, steepest: float = 8.0) -> list[float]:
    """One slope a head: 2^(-8k/h), and for h not a power of two the authors' rule.

    That is: those of the next lower power of two p, then every second one of 2p, as many as are missing. MPT's rule,
    which begins with the next higher power, gives the same.
    """
    lower = 2 ** int(math.log2(heads))
    found = [2 ** (-steepest * k / lower) for k in range(1, lower + 1)]
    return found + [2 ** (-steepest * k / (2 * lower)) for k in range(1, 2 * (heads - lower), 2)]


@part("position", "alibi", paper="Press et al. 2021, arXiv 2108.12409, section 3")
class Alibi(Position):
    """Subtracts slope * |distance| from each score, with a fixed slope for each head; symmetric when bidirectional.

    steepest: the slopes are 2^(-steepest * k / h). scaled: divide by sqrt(head_dim) as the products are (Falcon).
    rounded: slopes, and slope * position, are rounded to bfloat16 (Falcon's code); no longer a function of the distance
    then. Raises ValueError when it is to be scaled by a width that is not known.
    """

    relative = True
    slopes: Tensor

    def __init__(
        self,
        heads: int,
        head_dim: int | None = None,
        *,
        steepest: PositiveFloat = 8.0,
        scaled: bool = False,
        rounded: bool = False,
    ) -> None:
        super().__init__()
        found = torch.tensor(slopes(heads, steepest=steepest), dtype=torch.float64)
        self.rounded, self.relative = rounded, not rounded
        if scaled and head_dim is None:
            raise ValueError("position 'alibi' is scaled by the width of a head, which is not known: give head_dim")
        self.scale = head_dim**-0.5 if scaled and head_dim else 1.0
        self.register_buffer("slopes", found.bfloat16().double() if rounded else found, persistent=False)

    def bias(self, q: Coords, k: Coords) -> Tensor:
        if self.rounded:
            return (self._rounded(q) - self._rounded(k)).abs() * -self.scale
        apart = (q.pos - k.pos).abs().unsqueeze(1)
        return apart * _beside(self.slopes * -self.scale, apart.dim())

    def _rounded(self, at: Coords) -> Tensor:
        """slope * position in bfloat16. [b ...] -> [b h ...]."""
        pos = at.pos.unsqueeze(1)
        return (_beside(self.slopes, pos.dim()).bfloat16() * pos).to(self.slopes.dtype)


def _beside(slopes: Tensor, axes: int) -> Tensor:
    """[h] -> [h 1 ...], to meet coordinates of so many axes after the batch."""
    return slopes.view(-1, *[1] * (axes - 2))
