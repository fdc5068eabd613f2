"""Attention with linear biases."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.position.base import Position
from registry import part


def slopes(heads: int) -> list[float]:
    """One slope a head: 2^(-8k/h), and for h not a power of two the authors' rule.

    That is: those of the next lower power of two p, then every second one of 2p, as many as are missing.
    """
    lower = 2 ** int(math.log2(heads))
    found = [2 ** (-8 * k / lower) for k in range(1, lower + 1)]
    return found + [2 ** (-4 * k / lower) for k in range(1, 2 * (heads - lower), 2)]


@part("position", "alibi", paper="Press et al. 2021, arXiv 2108.12409, section 3")
class Alibi(Position):
    """Subtracts slope * |distance| from each score, with a fixed slope for each head; symmetric when bidirectional."""

    relative = True
    slopes: Tensor

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.register_buffer("slopes", torch.tensor(slopes(heads), dtype=torch.float64), persistent=False)

    def bias(self, q: Coords, k: Coords) -> Tensor:
        distance = (q.pos - k.pos).abs().unsqueeze(1)
        return distance * -self.slopes.view(-1, *[1] * (distance.dim() - 2))
