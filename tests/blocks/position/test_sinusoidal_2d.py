from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.position import EveryLayer, Sinusoidal2d


def grid(rows: list[int], columns: list[int], height: int, width: int) -> Coords:
    extents = torch.tensor([[height] * len(rows)]), torch.tensor([[width] * len(rows)])
    places = torch.tensor([rows]), torch.tensor([columns])
    return replace(Coords.of(len(rows)), row=places[0], column=places[1], height=extents[0], width=extents[1])


def wave(count: int, extent: int, i: int, features: int, base: float) -> float:
    angle = count / (extent + 1e-6) * 2 * math.pi / base ** (2 * (i // 2) / features)
    return math.sin(angle) if i % 2 == 0 else math.cos(angle)


def added(at: Coords, dim: int = 8, base: float = 10000.0) -> Tensor:
    x = torch.randn(1, len(at), dim, dtype=torch.float64)
    return Sinusoidal2d(dim, base=base).embed(x, at) - x


@pytest.mark.parametrize("base", [10000.0, 50.0])
def test_the_first_half_is_the_rows_and_the_second_the_columns(base: float) -> None:
    rows, columns = [0, 0, 1, 2], [0, 3, 2, 3]
    right = [
        [wave(r + 1, 3, i, 4, base) for i in range(4)] + [wave(c + 1, 4, i, 4, base) for i in range(4)]
        for r, c in zip(rows, columns, strict=True)
    ]
    found = added(grid(rows, columns, 3, 4), base=base)
    torch.testing.assert_close(found, torch.tensor([right], dtype=torch.float64), rtol=1e-10, atol=1e-12)


def test_an_image_stands_alike_whatever_its_size_and_padding() -> None:
    """The last row of every image is at 2 pi."""
    torch.testing.assert_close(added(grid([2], [3], 3, 4)), added(grid([5], [1], 6, 2)), rtol=0, atol=1e-5)


def test_tokens_outside_the_grid_get_nothing() -> None:
    at = grid([0, 0, 1], [0, 0, 0], 2, 1)
    outside = torch.tensor([[True, False, False]])
    at = replace(at, height=at.height.masked_fill(outside, -1), width=at.width.masked_fill(outside, -1))  # type: ignore[union-attr]
    found = added(at)
    assert not found[:, 0].any()
    torch.testing.assert_close(found[:, 1:], added(grid([0, 1], [0, 0], 2, 1)), rtol=0, atol=1e-12)


def test_is_refused_where_there_is_no_grid_and_for_odd_widths() -> None:
    with pytest.raises(ValueError, match="needs tokens that stand in a grid"):
        added(Coords.of(4))
    with pytest.raises(ValueError, match="a multiple of 4, got 6"):
        Sinusoidal2d(6)


def test_every_layer_tells_that_its_scheme_needs_a_grid() -> None:
    assert EveryLayer(8, 2, 4, scheme=Sinusoidal2d).grid
    assert not EveryLayer(8, 2, 4).grid
    marks = EveryLayer(8, 2, 4, scheme=partial(Sinusoidal2d, base=50.0)).double()
    at, x = grid([0, 1], [1, 1], 2, 2), torch.zeros(1, 2, 8, dtype=torch.float64)
    torch.testing.assert_close(marks.mark(x, at, "key"), added(at, base=50.0), rtol=0, atol=1e-12)
