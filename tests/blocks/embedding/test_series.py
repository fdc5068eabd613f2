from __future__ import annotations

import pytest
import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.embedding import Marks, SeriesEmbedding

SERIES = torch.randn(2, 6, 3).double()


def nothing(x: Tensor, at: Coords) -> Tensor:
    return x


def test_a_linear_map_of_each_step() -> None:
    embedding = SeriesEmbedding(8, channels=3).double()
    right = SERIES @ embedding.projection.weight.T + embedding.projection.bias
    torch.testing.assert_close(embedding(SERIES, Marks(), nothing).x, right, rtol=1e-12, atol=1e-12)


def test_a_patch_has_its_steps_one_after_the_other() -> None:
    embedding = SeriesEmbedding(8, channels=3, patch=2).double()
    found = embedding(SERIES, Marks(), nothing)
    assert found.at.pos.tolist() == [[0, 1, 2]]
    for n in range(3):
        steps = torch.cat([SERIES[:, 2 * n], SERIES[:, 2 * n + 1]], dim=1)
        right = steps @ embedding.projection.weight.T + embedding.projection.bias
        torch.testing.assert_close(found.x[:, n], right, rtol=1e-12, atol=1e-12)


def test_steps_that_were_not_measured_are_not_read() -> None:
    embedding = SeriesEmbedding(8, channels=3, patch=2).double()
    valid = torch.tensor([[True] * 6, [False, False, False, True, True, True]])
    loud = torch.where(valid.unsqueeze(-1), SERIES, 1e6)
    found = embedding(loud, Marks(valid=valid), nothing)
    assert found.at.valid is not None
    assert found.at.valid.tolist() == [[True, True, True], [False, True, True]]
    assert found.at.pos.tolist() == [[0, 1, 2], [0, 0, 1]]
    silent = torch.where(valid.unsqueeze(-1), SERIES, 0.0)
    torch.testing.assert_close(found.x, embedding(silent, Marks(), nothing).x)


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 6, 1), (6, 3)])
def test_refuses_what_it_cannot_cut(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"a series is \[b n 3\] with n a multiple of 2"):
        SeriesEmbedding(8, channels=3, patch=2)(torch.zeros(shape), Marks(), nothing)


def test_kinds_of_series_are_told_apart() -> None:
    embedding = SeriesEmbedding(8, channels=3, patch=2, types=4).double()
    assert embedding.types is not None
    kinds = torch.tensor([[2] * 6, [3] * 6])
    plain, found = embedding(SERIES, Marks(), nothing).x, embedding(SERIES, Marks(types=kinds), nothing).x
    for row, kind in enumerate((2, 3)):
        moved = (embedding.types.weight[kind] - embedding.types.weight[0]).expand(3, 8)
        torch.testing.assert_close(found[row] - plain[row], moved, rtol=1e-9, atol=1e-9)
    with pytest.raises(ValueError, match=r"set model\.embedding\.types"):
        SeriesEmbedding(8, channels=3).double()(SERIES, Marks(types=kinds), nothing)
