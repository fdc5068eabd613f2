"""Fixed sinusoids of the place in an image."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor

from blocks.coords import Coords
from blocks.position.base import Position
from blocks.position.sinusoidal import sinusoids
from registry import MultipleOf, part
from registry.types import PositiveFloat


@part("position", "sinusoidal_2d", paper="Carion et al. 2020 (DETR), arXiv 2005.12872, section 3.2 and appendix A.4")
class Sinusoidal2d(Position):
    """Adds fixed sines and cosines of the row and of the column to tokens that stand in a grid.

    Row and column count from 1 and become a share of the token's own column and row, padding left out, times 2 pi. The
    first half of the features is the row's, the second the column's, each interleaved: sin, cos, sin, cos ... Tokens
    outside the grid get nothing. DETR has it in every layer: {kind: every_layer, scheme: sinusoidal_2d}.

    Raises ValueError for tokens that do not stand in a grid at all.
    """

    grid = True
    rules = (MultipleOf("dim", 4, "sines and cosines of a row and a column"),)

    def __init__(self, dim: int, *, base: PositiveFloat = 10000.0) -> None:
        super().__init__()
        if dim % 4:
            raise ValueError(f"position 'sinusoidal_2d' needs a width that is a multiple of 4, got {dim}")
        self.features, self.base = dim // 2, base

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        dtype = torch.promote_types(x.dtype, torch.float32)
        # every layer asks for the same
        waves = at.once(("sinusoidal_2d", self.features, self.base, dtype), lambda: self._waves(at, dtype))
        return x + waves.to(x.dtype)

    def _waves(self, at: Coords, dtype: torch.dtype) -> Tensor:
        """[b|1 n m]"""
        if at.row is None or at.column is None or at.height is None or at.width is None:
            raise ValueError("position 'sinusoidal_2d' needs tokens that stand in a grid, as the patches of an image")
        places = torch.stack([at.row, at.column]) + 1
        extents = torch.stack([at.height, at.width])
        shares = places.to(dtype) / (extents.to(dtype) + 1e-6)
        waves = rearrange(
            sinusoids(2 * math.pi * shares, self.features, base=self.base), "two b n half -> b n (two half)"
        )
        return waves * rearrange(at.height >= 0, "b n -> b n 1")
