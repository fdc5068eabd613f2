from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from blocks.coords import Coords
from blocks.embedding import Marks, PatchEmbedding
from blocks.norm import LayerNorm

IMAGES = torch.randn(2, 3, 8, 12).double()


def nothing(x: Tensor, at: Coords) -> Tensor:
    return x


def convolved(embedding: PatchEmbedding, images: Tensor) -> Tensor:
    side = embedding.patch
    kernel = embedding.projection.weight.reshape(-1, embedding.channels, side, side)
    return functional.conv2d(images, kernel, embedding.projection.bias, stride=side)


def test_a_convolution_read_row_by_row_behind_the_class_tokens() -> None:
    embedding = PatchEmbedding(6, patch=4, class_tokens=2).double()
    assert embedding.class_tokens is not None
    found = embedding(IMAGES, Marks(), nothing).x
    cells = convolved(embedding, IMAGES)
    assert found.shape == (2, 2 + 6, 6)
    for row in range(2):
        torch.testing.assert_close(found[row, :2], embedding.class_tokens.weight)
        for y in range(2):
            for x in range(3):
                torch.testing.assert_close(found[row, 2 + 3 * y + x], cells[row, :, y, x], rtol=1e-12, atol=1e-12)


def test_patches_know_their_place_and_class_tokens_stand_outside_the_grid() -> None:
    at = PatchEmbedding(6, patch=4, class_tokens=2).double()(IMAGES, Marks(), nothing).at
    assert at.index.tolist() == at.pos.tolist() == [list(range(8))]
    assert at.row is not None
    assert at.column is not None
    assert at.height is not None
    assert at.width is not None
    assert at.row.tolist() == [[0, 0, 0, 0, 0, 1, 1, 1]]
    assert at.column.tolist() == [[0, 1, 0, 1, 2, 0, 1, 2]]
    assert at.height.tolist() == [[-1, -1, 2, 2, 2, 2, 2, 2]]
    assert at.width.tolist() == [[-1, -1, 3, 3, 3, 3, 3, 3]]
    assert at.valid is None


def test_what_fills_up_an_image_is_not_read_and_counts_nowhere() -> None:
    embedding = PatchEmbedding(6, patch=4).double()
    real = torch.zeros(2, 8, 12, dtype=torch.bool)
    real[0, :4, :6] = True
    real[1] = True
    loud = torch.where(real.unsqueeze(1), IMAGES, 1e6)
    found = embedding(loud, Marks(valid=real), nothing)
    assert found.at.valid is not None
    assert found.at.valid.tolist() == [[True, True, True, False, False, False, False], [True] * 7]
    assert found.at.height is not None
    assert found.at.width is not None
    assert found.at.height[0, 1:3].tolist() == [1, 1]
    assert found.at.width[0, 1:3].tolist() == [2, 2]
    small = torch.zeros(1, 3, 4, 8).double()
    small[:, :, :, :6] = IMAGES[:1, :, :4, :6]
    torch.testing.assert_close(found.x[:1, :3], embedding(small, Marks(), nothing).x)


def test_positions_then_norm_without_class_tokens_and_bias() -> None:
    embedding = PatchEmbedding(6, channels=1, patch=2, class_tokens=0, bias=False, norm=LayerNorm).double()
    images = IMAGES[:, :1]
    found = embedding(images, Marks(), lambda x, at: x + at.pos.unsqueeze(-1)).x
    right = convolved(embedding, images).flatten(2).mT + torch.arange(24).double().unsqueeze(-1)
    torch.testing.assert_close(found, functional.layer_norm(right, (6,)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 3, 8, 10), (1, 1, 8, 8), (3, 8, 8)])
def test_refuses_what_it_cannot_cut(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"an image is \[b 3 H W\] with sides that are multiples of 4"):
        PatchEmbedding(6, patch=4)(torch.zeros(shape), Marks(), nothing)
