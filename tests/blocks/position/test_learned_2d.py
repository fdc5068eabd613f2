from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from blocks.coords import Coords
from blocks.embedding import Marks, PatchEmbedding
from blocks.position import Learned2d

SIZES = [(4, 5), (4, 4), (5, 5), (7, 3), (1, 1), (2, 10), (8, 10)]


def standing(height: int, width: int, outside: int = 1, real: Tensor | None = None) -> Coords:
    """Coordinates of class tokens and the cells of a map."""
    images = torch.zeros(1 if real is None else len(real), 1, height, width)
    return PatchEmbedding(1, channels=1, patch=1, class_tokens=outside)(images, Marks(valid=real), lambda x, at: x).at


def resized(scheme: Learned2d, height: int, width: int, **options: object) -> Tensor:
    """[1+h*w m], by torch."""
    cells = rearrange(scheme.table.weight[scheme.outside :], "(r c) m -> 1 m r c", r=scheme.rows)
    cells = functional.interpolate(cells, (height, width), **options)  # type: ignore[arg-type]
    return torch.cat([scheme.table.weight[: scheme.outside], rearrange(cells, "1 m h w -> (h w) m")])


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("resize", "corners"), [("bicubic", False), ("bilinear", True)])
def test_another_grid_is_resized_as_torch_does(
    resize: Literal["bicubic", "bilinear"], corners: bool, height: int, width: int
) -> None:
    scheme = Learned2d(6, rows=4, columns=5, resize=resize).double()
    at, x = standing(height, width), torch.randn(2, 1 + height * width, 6).double()
    right = resized(scheme, height, width, mode=resize, align_corners=corners)
    torch.testing.assert_close(scheme.embed(x, at) - x, right.expand_as(x), rtol=1e-12, atol=1e-12)


def test_the_learned_grid_is_used_as_it_is() -> None:
    scheme = Learned2d(6, rows=4, columns=5, outside=2).double()
    found = scheme.embed(torch.zeros(1, 22, 6).double(), standing(4, 5, 2))
    assert torch.equal(found[0], scheme.table.weight)


def test_gradients_are_those_of_torch() -> None:
    scheme, weights = Learned2d(6, rows=4, columns=5).double(), torch.randn(1, 22, 6).double()
    found = scheme.embed(torch.zeros(1, 22, 6).double(), standing(7, 3))
    ours = torch.autograd.grad((found * weights).sum(), scheme.table.weight)[0]
    right = resized(scheme, 7, 3, mode="bicubic", align_corners=False)
    theirs = torch.autograd.grad((right * weights).sum(), scheme.table.weight)[0]
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_an_image_of_a_padded_batch_gets_what_it_gets_alone() -> None:
    scheme = Learned2d(6, rows=4, columns=5).double()
    real = torch.zeros(2, 6, 7, dtype=torch.bool)
    real[0, :3, :5] = True
    real[1] = True
    found = scheme.embed(torch.zeros(2, 43, 6).double(), standing(6, 7, real=real))
    assert found.isfinite().all()
    kept = torch.cat([torch.ones(1, dtype=torch.bool), real[0].flatten()])
    alone = scheme.embed(torch.zeros(1, 16, 6).double(), standing(3, 5))
    torch.testing.assert_close(found[0][kept], alone[0], rtol=1e-12, atol=1e-12)
    whole = scheme.embed(torch.zeros(1, 43, 6).double(), standing(6, 7))
    torch.testing.assert_close(found[1], whole[0], rtol=1e-12, atol=1e-12)


def test_refuses_tokens_without_a_grid() -> None:
    with pytest.raises(ValueError, match="'learned_2d' needs tokens that stand in a grid"):
        Learned2d(6).embed(torch.zeros(1, 3, 6), Coords.of(3))
    with pytest.raises(ValueError, match="'learned_2d' needs tokens that stand in a grid"):
        Learned2d(6).embed(torch.zeros(1, 3, 6), replace(standing(1, 2), height=None))


def test_refuses_more_class_tokens_than_it_has_vectors_for() -> None:
    with pytest.raises(ValueError, match="has 1 vectors for tokens outside the grid, the input has 2 such tokens"):
        Learned2d(6, rows=2).embed(torch.zeros(1, 6, 6), standing(2, 2, outside=2))


@pytest.mark.parametrize(("rows", "columns"), [(7, 3), (4, 5), (2, 10), (8, 8)])
@pytest.mark.parametrize(("how", "mode", "corners"), [("bicubic", "bicubic", False), ("interpolate", "bilinear", True)])
def test_a_learned_grid_becomes_a_larger_or_smaller_one(
    how: Any, mode: str, corners: bool, rows: int, columns: int
) -> None:
    """As DeiT's code resizes the grid for another resolution; the vectors of class tokens stay."""
    learned = Learned2d(6, rows=4, columns=5, outside=2).double()
    scheme = Learned2d(6, rows=rows, columns=columns, outside=2).double()
    scheme.stretch(learned, how)
    expected = resized(learned, rows, columns, mode=mode, align_corners=corners)
    torch.testing.assert_close(scheme.table.weight.detach(), expected[: len(scheme.table.weight)], rtol=0, atol=1e-10)
    # what it does for images of that size without another table
    x, at = torch.zeros(1, 2 + rows * columns, 6).double(), standing(rows, columns, outside=2)
    if how == "bicubic":
        torch.testing.assert_close(scheme.embed(x, at), learned.embed(x, at), rtol=0, atol=1e-10)


def test_a_grid_is_not_copied_and_keeps_its_class_tokens() -> None:
    learned = Learned2d(6, rows=4)
    with pytest.raises(ValueError, match="is a grid, which is no row to be copied: bicubic or interpolate"):
        Learned2d(6, rows=5).stretch(learned, "copy")
    with pytest.raises(ValueError, match="was learned with outside 1 and width 6, here 2 and 6"):
        Learned2d(6, rows=5, outside=2).stretch(learned, "bicubic")
