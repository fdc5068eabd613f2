"""Attention with linear biases."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.position.base import Position
from registry import part
from registry.types import PositiveFloat


def slopes(heads: int, *, steepest: float = 8.0) -> list[float]:
    """One slope a head: 2^(-8k/h), and for h not a power of two the authors' rule.

    That is: those of the next lower power of two p, then every second one of 2p, as many as are missing.
    """
    lower = 2 ** int(math.log2(heads))
    found = [2 ** (-steepest * k / lower) for k in range(1, lower + 1)]
    return found + [2 ** (-steepest * k / (2 * lower)) for k in range(1, 2 * (heads - lower), 2)]


def mpt_slopes(heads: int, *, steepest: float = 8.0) -> list[float]:
    """As `slopes`, but for h not a power of two MPT's rule: of the next higher one, every second, then the others."""
    higher = 2 ** math.ceil(math.log2(heads))
    found = [2 ** (-steepest * k / higher) for k in range(1, higher + 1)]
    return found if higher == heads else [*found[1::2], *found[::2]][:heads]


_RULES = {"authors": slopes, "mpt": mpt_slopes}


@part("position", "alibi", paper="Press et al. 2021, arXiv 2108.12409, section 3")
class Alibi(Position):
    """Subtracts slope * |distance| from each score, with a fixed slope for each head; symmetric when bidirectional.

    slopes: the rule for a number of heads that is no power of two, of the authors (BLOOM) or of MPT. steepest: the
    slopes are 2^(-steepest * k / h). scaled: divide by sqrt(head_dim) as the products are (Falcon). rounded: slopes,
    and slope * position, are rounded to bfloat16 (Falcon's code); no longer a function of the distance then.
    """

    relative = True
    slopes: Tensor

    def __init__(
        self,
        heads: int,
        head_dim: int = 1,
        *,
        slopes: Literal["authors", "mpt"] = "authors",
        steepest: PositiveFloat = 8.0,
        scaled: bool = False,
        rounded: bool = False,
    ) -> None:
        super().__init__()
        found = torch.tensor(_RULES[slopes](heads, steepest=steepest), dtype=torch.float64)
        self.rounded, self.relative = rounded, not rounded
        self.scale = head_dim**-0.5 if scaled else 1.0
        self.register_buffer("slopes", found.bfloat16().double() if rounded else found, persistent=False)

    def bias(self, q: Coords, k: Coords) -> Tensor:
        if self.rounded:
            distance = (self._rounded(q) - self._rounded(k)).abs()
        else:
            apart = (q.pos - k.pos).abs().unsqueeze(1)
            distance = apart * _beside(self.slopes, apart.dim())
        return distance * -self.scale

    def _rounded(self, at: Coords) -> Tensor:
        """slope * position in bfloat16. [b ...] -> [b h ...]."""
        pos = at.pos.unsqueeze(1)
        return (_beside(self.slopes, pos.dim()).bfloat16() * pos).to(self.slopes.dtype)


def _beside(slopes: Tensor, axes: int) -> Tensor:
    """[h] -> [h 1 ...], to meet coordinates of so many axes after the batch."""
    return slopes.view(-1, *[1] * (axes - 2))
