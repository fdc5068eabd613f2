from __future__ import annotations

import pytest
import torch

from blocks.coords import Coords
from blocks.position import Learned


@pytest.mark.parametrize("offset", [0, 2])
def test_adds_the_row_of_the_position(offset: int) -> None:
    scheme, x = Learned(6, length=10, offset=offset), torch.randn(2, 3, 6)
    assert scheme.table.weight.shape == (10 + offset, 6)
    found = scheme.embed(x, Coords.of(3, start=4))
    for n in range(3):
        assert torch.equal(found[:, n], x[:, n] + scheme.table.weight[4 + n + offset])


def test_vectors_of_another_width_join_an_embedding_as_narrow() -> None:
    scheme, x = Learned(6, length=4, width=2), torch.randn(1, 3, 2)
    assert torch.equal(scheme.embed(x, Coords.of(3)), x + scheme.table.weight[:3])
    with pytest.raises(ValueError, match="has vectors of 2, the embedding of 6: set `width`"):
        scheme.embed(torch.zeros(1, 3, 6), Coords.of(3))


def test_refuses_a_position_beyond_the_table() -> None:
    scheme = Learned(6, length=4)
    assert scheme.embed(torch.zeros(1, 4, 6), Coords.of(4)).shape == (1, 4, 6)
    with pytest.raises(ValueError, match="has 4 positions, the input has 5: raise its `length`"):
        scheme.embed(torch.zeros(1, 1, 6), Coords.of(1, start=4))


def test_padding_takes_no_positions() -> None:
    valid = torch.tensor([[False] * 6 + [True] * 4])
    assert Learned(6, length=4).embed(torch.zeros(1, 10, 6), Coords.of(10, valid=valid)).isfinite().all()
