"""Rotary position embedding."""

from __future__ import annotations

from typing import Literal

import torch
from einops import rearrange
from torch import Tensor

from blocks.coords import Coords
from blocks.position.base import Position, Role
from blocks.scaling import Scaling
from registry import Build, build, part
from registry.types import Fraction, PositiveFloat


@part("position", "rotary", paper="Su et al. 2021, arXiv 2104.09864, section 3.2.2, equation 34")
class Rotary(Position):
    """Turns pairs of coordinates of queries and keys by angles that grow with position: q.k then depends on distance.

    layout: which coordinates pair up: halves (i, i + d/2; Llama, NeoX) or interleaved (2i, 2i + 1; the paper, GPT-J).
    fraction: share of the head width that is turned, rounded down, with frequencies for that width (partial rotary).
    reverse: pairs turn backwards (nanochat).
    scaling: slower angles, for texts longer than those of pre-training.
    Angles are computed in float32 at least. Raises ValueError when the turned width is odd.
    """

    def __init__(
        self,
        head_dim: int,
        *,
        base: PositiveFloat = 10000.0,
        layout: Literal["halves", "interleaved"] = "halves",
        fraction: Fraction = 1.0,
        reverse: bool = False,
        scaling: Build[Scaling] | None = None,
    ) -> None:
        super().__init__()
        self.width = int(head_dim * fraction)
        if self.width % 2 or not self.width:
            raise ValueError(
                f"position 'rotary' turns pairs: {self.width} of the {head_dim} coordinates of a head is not even"
            )
        self.base, self.layout, self.reverse = base, layout, reverse
        self.scaling = None if scaling is None else build(scaling)

    def rotate(self, t: Tensor, at: Coords, role: Role) -> Tensor:
        cos, sin = at.once((self, t.dtype), lambda: self._waves(at, t.dtype))
        turned, rest = t[..., : self.width], t[..., self.width :]
        if self.layout == "halves":
            partner = turned.roll(self.width // 2, -1)
        else:
            pairs = rearrange(turned, "... (i two) -> ... i two", two=2)
            partner = rearrange(pairs.flip(-1), "... i two -> ... (i two)")
        turned = torch.addcmul(turned * cos, partner, sin)
        return turned if not rest.shape[-1] else torch.cat([turned, rest], dim=-1)

    def _waves(self, at: Coords, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosines, and sines with the sign of the partner: x cos - y sin, y cos + x sin. [b 1 n d] each."""
        exact = torch.promote_types(dtype, torch.float32)
        angles = rearrange(at.pos, "b n -> b 1 n 1") * self._rates(exact, at.pos.device)
        pattern = "two ... i -> ... (two i)" if self.layout == "halves" else "two ... i -> ... (i two)"
        cos, sin = angles.cos(), (-angles if self.reverse else angles).sin()
        if self.scaling is not None:
            cos, sin = cos * self.scaling.attention, sin * self.scaling.attention
        cos, sin = (rearrange(torch.stack(pair), pattern).to(dtype) for pair in ((cos, cos), (-sin, sin)))
        return cos, sin

    def _rates(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """How far each pair turns from one position to the next, [i]."""
        steps = torch.arange(0, self.width, 2, dtype=dtype, device=device)
        rates = self.base ** (-steps / self.width)
        return rates if self.scaling is None else self.scaling.slowed(rates, self.base)
