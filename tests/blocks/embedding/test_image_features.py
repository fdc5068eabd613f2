from __future__ import annotations

from functools import partial

import pytest
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from blocks.backbone import ResNet
from blocks.coords import Coords
from blocks.embedding import ImageFeatures, Marks

SMALL = partial(ResNet, stem=4, widths=[4], depths=[1])


def nothing(x: Tensor, at: Coords) -> Tensor:
    return x


def test_cells_are_mapped_to_the_models_width_row_by_row() -> None:
    embedding, images = ImageFeatures(6, backbone=SMALL).double(), torch.randn(2, 3, 12, 8).double()
    cells = embedding.backbone(images)
    weight, bias = embedding.projection.weight, embedding.projection.bias
    right = torch.stack([functional.linear(cells[:, :, i // 2, i % 2], weight, bias) for i in range(6)], dim=1)
    out = embedding(images, Marks(), lambda x, at: x + at.row.unsqueeze(-1))  # type: ignore[union-attr]
    torch.testing.assert_close(out.x, right + torch.tensor([0, 0, 1, 1, 2, 2]).view(1, 6, 1), rtol=1e-10, atol=1e-10)


def test_without_padding_the_grid_is_the_whole_map() -> None:
    at = ImageFeatures(8, backbone=SMALL)(torch.randn(2, 3, 8, 12), Marks(), nothing).at
    assert at.valid is None
    assert at.row is not None and at.row.tolist() == [[0, 0, 0, 1, 1, 1]]
    assert at.column is not None and at.column.tolist() == [[0, 1, 2, 0, 1, 2]]
    assert at.height is not None and at.height.tolist() == [[2] * 6]
    assert at.width is not None and at.width.tolist() == [[3] * 6]
    assert at.index.tolist() == [[0, 1, 2, 3, 4, 5]]


def test_a_cell_is_valid_as_its_nearest_pixel_is_and_counts_among_the_valid_ones() -> None:
    valid = torch.ones(2, 8, 12, dtype=torch.bool)
    # the pixel of a cell is its first: the column that starts at 8 is out, the row that starts at 4 is in
    valid[1, 5:], valid[1, :, 8] = False, False
    at = ImageFeatures(8, backbone=SMALL)(torch.randn(2, 3, 8, 12), Marks(valid=valid), nothing).at
    assert at.valid is not None and at.valid.tolist() == [[True] * 6, [True, True, False, True, True, False]]
    grids = [t for t in (at.row, at.column, at.height, at.width) if t is not None]
    row, column, height, width = (rearrange(t[1], "(h w) -> h w", h=2).tolist() for t in grids)
    assert row == [[0, 0, -1], [1, 1, -1]]
    assert column == [[0, 1, 1], [0, 1, 1]]
    assert height == [[2, 2, 0], [2, 2, 0]]
    assert width == [[2, 2, 2], [2, 2, 2]]


def test_what_stands_in_the_padding_is_not_seen() -> None:
    embedding, images = ImageFeatures(6, backbone=SMALL).double(), torch.randn(2, 3, 8, 12).double()
    marks = Marks(valid=torch.ones(2, 8, 12, dtype=torch.bool))
    assert marks.valid is not None
    marks.valid[1, :, 7:] = False
    before = embedding(images, marks, nothing).x
    images[1, :, :, 7:] = 1e6
    assert torch.equal(embedding(images, marks, nothing).x, before)


def test_refuses_what_is_no_image() -> None:
    for shape in ((2, 8, 8), (2, 1, 8, 8)):
        with pytest.raises(ValueError, match=r"an image is \[b 3 H W\], not a tensor of shape \[2, "):
            ImageFeatures(6, backbone=SMALL)(torch.zeros(shape), Marks(), nothing)


def test_an_example_has_about_the_length_that_is_asked_for() -> None:
    embedding = ImageFeatures(8, backbone=partial(ResNet, stem=4, widths=[4, 8], depths=[1, 1], channels=1))
    for length, cells in ((1, 1), (9, 9), (10, 16)):
        given = embedding.example(2, length)
        assert given.shape[:2] == (2, 1)
        assert len(embedding(given, Marks(), nothing).at) == cells
