"""Fixed sinusoids added to the embedded tokens."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
from einops import rearrange
from torch import Tensor, nn

from blocks.coords import Coords
from blocks.position.base import Position
from blocks.position.learned import refuse_beyond
from registry import MultipleOf, part
from registry.types import NonNegativeInt, PositiveFloat, PositiveInt

Layout: TypeAlias = Literal["interleaved", "halves", "tensor2tensor"]


def sinusoids(pos: Tensor, dim: int, *, layout: Layout = "interleaved", base: float = 10000.0) -> Tensor:
    """Sines and cosines of `pos` at dim/2 geometrically spaced frequencies. pos: [...] float -> [... dim].

    interleaved: sin, cos, sin, cos ... with exponent 2i/dim (Vaswani et al. 2017, section 3.5).
    halves: the same frequencies, sines first (Transformer-XL, Marian).
    tensor2tensor: sines first, exponent i/(dim/2 - 1) (tensor2tensor, Whisper).
    """
    half = dim // 2
    steps = max(half - 1, 1) if layout == "tensor2tensor" else half
    rates = torch.exp(torch.arange(half, dtype=pos.dtype, device=pos.device) * (-math.log(base) / steps))
    angles = pos.unsqueeze(-1) * rates
    waves = torch.stack([angles.sin(), angles.cos()])
    if layout == "interleaved":
        return rearrange(waves, "two ... i -> ... (i two)")
    return rearrange(waves, "two ... i -> ... (two i)")


@part("position", "sinusoidal", paper="Vaswani et al. 2017, arXiv 1706.03762, section 3.5")
class Sinusoidal(Position):
    """Adds fixed sines and cosines of the position to the embedded tokens.

    layout: order and spacing of the waves: interleaved (the paper), halves (Marian, Pegasus) or tensor2tensor
    (Whisper). offset: position of the first token (2 in M2M-100 and XGLM). stored: so many rows are kept with the
    model, untrained, so that a checkpoint that holds them rounded is followed to the last digit (Whisper).
    Raises ValueError at a position beyond the stored ones.
    """

    rules = (MultipleOf("dim", 2, "sines and cosines come in pairs"),)

    def __init__(
        self,
        dim: int,
        *,
        layout: Layout = "interleaved",
        base: PositiveFloat = 10000.0,
        offset: NonNegativeInt = 0,
        stored: PositiveInt | None = None,
    ) -> None:
        super().__init__()
        if dim % 2:
            raise ValueError(f"position 'sinusoidal' needs an even width, got {dim}")
        self.dim, self.layout, self.base = dim, layout, base
        self.offset, self.length = offset, stored
        self.table: nn.Parameter | None = None
        if stored is not None:
            rows = self._waves(torch.arange(stored), torch.get_default_dtype())
            self.table = nn.Parameter(rows, requires_grad=False)

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        if self.table is None:
            return x + self._waves(at.pos, x.dtype)
        refuse_beyond("sinusoidal", "stored", len(self.table), at)
        return x + self.table[at.pos].to(x.dtype)

    def _waves(self, pos: Tensor, dtype: torch.dtype) -> Tensor:
        """int [...] -> [... m]."""
        exact = (pos + self.offset).to(torch.promote_types(dtype, torch.float32))
        return sinusoids(exact, self.dim, layout=self.layout, base=self.base).to(dtype)
