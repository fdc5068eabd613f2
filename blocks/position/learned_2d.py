"""A learned vector for each place in an image."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from einops import rearrange
from torch import Tensor

from blocks.coords import Coords
from blocks.linear import Table
from blocks.position.base import Position, Stretch
from registry import part
from registry.types import NonNegativeInt, PositiveInt

Resize: TypeAlias = Literal["bicubic", "bilinear"]


@part("position", "learned_2d", paper="Dosovitskiy et al. 2020 (ViT), arXiv 2010.11929, sections 3.1 and 3.2")
class Learned2d(Position):
    """Adds a learned vector for each cell of a grid, and one for each token in front of it, to the embedded tokens.

    The table [outside + rows * columns, m] has the vectors for tokens outside the grid (class tokens) first, then the
    grid's row by row. For a grid of another size the learned one is resized like an image, to each image's own size
    where a batch has padding; the vectors of class tokens stay.

    rows, columns: of the learned grid, a square unless columns are given. outside: tokens outside the grid.
    resize: bicubic, its cells aligned and nothing smoothed beforehand (common ports of ViT: torch's interpolate), or
    bilinear, the corner cells' centres aligned (ViT's own code: scipy's zoom).

    Raises ValueError for tokens that do not stand in a grid, or for more tokens outside it than there are vectors.
    """

    grid = True

    def __init__(
        self,
        dim: int,
        *,
        rows: PositiveInt = 14,
        columns: PositiveInt | None = None,
        outside: NonNegativeInt = 1,
        resize: Resize = "bicubic",
    ) -> None:
        super().__init__()
        self.rows, self.columns, self.outside = rows, columns or rows, outside
        self.resize: Resize = resize
        self.table = Table(outside + self.rows * self.columns, dim, role="position")

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        shares = self._shares(at, torch.promote_types(x.dtype, torch.float32))
        return x + shares.to(self.table.weight.dtype) @ self.table.weight

    @torch.no_grad()
    def stretch(self, learned: Position, how: Stretch) -> None:
        """The learned grid for one of another size, the vectors of tokens outside it as they are.

        bicubic, or interpolate for bilinear: as `resize` says (Dosovitskiy et al. 2020, section 3.2; DeiT's code).
        """
        assert isinstance(learned, Learned2d)
        old, new = learned.table.weight, self.table.weight
        if how == "copy":
            raise ValueError("position 'learned_2d' is a grid, which is no row to be copied: bicubic or interpolate")
        if (learned.outside, old.shape[1]) != (self.outside, new.shape[1]):
            sizes = f"outside {learned.outside} and width {old.shape[1]}, here {self.outside} and {new.shape[1]}"
            raise ValueError(f"position 'learned_2d' was learned with {sizes}")
        resize: Resize = "bicubic" if how == "bicubic" else "bilinear"
        shares = []
        for size, before in ((self.rows, learned.rows), (self.columns, learned.columns)):
            place = torch.arange(size, device=new.device).unsqueeze(0)
            shares.append(interpolation(place, torch.full_like(place, size), before, resize, new.dtype)[0])
        grid = rearrange(old[self.outside :].to(new), "(r c) m -> r c m", r=learned.rows)
        new[: self.outside] = old[: self.outside].to(new)
        new[self.outside :] = rearrange(torch.einsum("p r, q c, r c m -> p q m", *shares, grid), "p q m -> (p q) m")

    def _shares(self, at: Coords, dtype: torch.dtype) -> Tensor:
        """How much each token gets of each vector of the table: [b|1 n vectors]."""
        if at.row is None or at.column is None or at.height is None or at.width is None:
            raise ValueError("position 'learned_2d' needs tokens that stand in a grid, as the patches of an image")
        inside = at.height >= 0
        self._refuse_more(at.column.masked_fill(inside, -1))
        down = interpolation(at.row, at.height, self.rows, self.resize, dtype)
        across = interpolation(at.column, at.width, self.columns, self.resize, dtype)
        cells = rearrange(torch.einsum("b n r, b n c -> b n r c", down, across), "b n r c -> b n (r c)")
        numbers = torch.arange(self.outside, device=at.column.device)
        apart = at.column.unsqueeze(-1) == numbers
        inside = inside.unsqueeze(-1)
        return torch.cat([(apart & ~inside).to(dtype), cells * inside], dim=-1)

    def _refuse_more(self, outside: Tensor) -> None:
        if not outside.is_meta and outside.numel() and (count := int(outside.max()) + 1) > self.outside:
            message = f"has {self.outside} vectors for tokens outside the grid, the input has {count} such tokens"
            raise ValueError(f"position 'learned_2d' {message}: raise its `outside`")


def interpolation(place: Tensor, extent: Tensor, size: int, resize: Resize, dtype: torch.dtype) -> Tensor:
    """Weights of `size` samples in the values at `place` out of `extent` places that cover the same ground.

    place, extent: int [b n] -> [b n size]. Equals torch.nn.functional.interpolate: bicubic with align_corners=False,
    bilinear with align_corners=True.
    """
    place, extent = place.to(dtype), extent.clamp(min=1).to(dtype)
    if resize == "bicubic":
        ground = (size / extent) * (place + 0.5) - 0.5
    else:
        ground = (size - 1) / (extent - 1).clamp(min=1) * place
    first = ground.floor()
    beyond = ground - first
    steps = (
        {-1: 1 + beyond, 0: beyond, 1: 1 - beyond, 2: 2 - beyond} if resize == "bicubic" else {0: beyond, 1: 1 - beyond}
    )
    samples = torch.arange(size, device=place.device)
    shares = torch.zeros((), dtype=dtype, device=place.device)
    for step, distance in steps.items():
        # beyond the edge, its last sample repeats
        nearest = (first + step).clamp(0, size - 1).unsqueeze(-1) == samples
        weight = _cubic(distance) if resize == "bicubic" else 1 - distance
        shares = shares + nearest * weight.unsqueeze(-1)
    return shares


def _cubic(distance: Tensor) -> Tensor:
    """Keys' cubic convolution with a = -0.75, at distances from 0 to 2."""
    a, d = -0.75, distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return torch.where(d <= 1, near, far)
