"""Rotary position embedding."""

from __future__ import annotations

from typing import Literal

import torch
from einops import rearrange
from torch import Tensor

from blocks.coords import Coords
from blocks.position.base import Position, Role
from registry import part
from registry.types import Fraction, PositiveFloat


@part("position", "rotary", paper="Su et al. 2021, arXiv 2104.09864, section 3.2.2, equation 34")
class Rotary(Position):
    """Turns pairs of coordinates of queries and keys by angles that grow with the position, so that q.k depends on distance.

    layout: which coordinates pair up: halves (i, i + d/2; Llama, NeoX) or interleaved (2i, 2i + 1; the paper, GPT-J).
    fraction: share of the head width that is turned, with frequencies for that width (partial rotary).
    Angles are computed in float32 at least. Raises ValueError when the turned width is odd.
    """

    def __init__(
        self,
        head_dim: int,
        *,
        base: PositiveFloat = 10000.0,
        layout: Literal["halves", "interleaved"] = "halves",
        fraction: Fraction = 1.0,
    ) -> None:
        super().__init__()
        self.width = round(head_dim * fraction)
        if self.width % 2 or not self.width:
            raise ValueError(f"position 'rotary' turns pairs: {self.width} of the {head_dim} coordinates of a head is not an even number")
        self.base = base
        self.pattern = "... (two i)" if layout == "halves" else "... (i two)"

    def rotate(self, t: Tensor, at: Coords, role: Role) -> Tensor:
        exact = torch.promote_types(t.dtype, torch.float32)
        steps = torch.arange(0, self.width, 2, dtype=exact, device=t.device)
        angles = rearrange(at.pos, "b n -> b 1 n 1") * self.base ** (-steps / self.width)
        cos, sin = angles.cos().to(t.dtype), angles.sin().to(t.dtype)
        turned, rest = t[..., : self.width], t[..., self.width :]
        x, y = rearrange(turned, f"{self.pattern} -> two ... i", two=2)
        turned = rearrange(torch.stack([x * cos - y * sin, x * sin + y * cos]), f"two ... i -> {self.pattern}")
        return turned if not rest.shape[-1] else torch.cat([turned, rest], dim=-1)
