from __future__ import annotations

from typing import Any

import pytest
import torch

from blocks.coords import Coords
from blocks.position import T5, Learned


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


@pytest.mark.parametrize("offset", [0, 2])
@pytest.mark.parametrize("length", [4, 7, 16])
def test_learned_positions_are_copied_again_from_the_first_on(offset: int, length: int) -> None:
    """As the authors of Longformer made 4096 positions of RoBERTa's 512: those before the offset stay."""
    learned, scheme = Learned(6, length=7, offset=offset), Learned(6, length=length, offset=offset)
    scheme.stretch(learned, "copy")
    for row in range(offset):
        assert torch.equal(scheme.table.weight[row], learned.table.weight[row])
    for p in range(length):
        assert torch.equal(scheme.table.weight[offset + p], learned.table.weight[offset + p % 7])


@pytest.mark.parametrize(("old", "new"), [(7, 16), (4, 8), (8, 4), (5, 5), (1, 3)])
def test_learned_positions_are_interpolated(old: int, new: int) -> None:
    """Position p is where p n / N was."""
    learned, scheme = Learned(6, length=old, offset=2).double(), Learned(6, length=new, offset=2).double()
    scheme.stretch(learned, "interpolate")
    table = learned.table.weight
    assert torch.equal(scheme.table.weight[:2], table[:2])
    for p in range(new):
        ground = p * old / new
        before, after = 2 + int(ground), 2 + min(int(ground) + 1, old - 1)
        share = ground - int(ground)
        expected = (1 - share) * table[before] + share * table[after]
        torch.testing.assert_close(scheme.table.weight[2 + p], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "how", "words"),
    [
        ({"length": 9}, "bicubic", "stands in a row, not in a grid: copy or interpolate it"),
        ({"length": 9, "offset": 2}, "copy", "was learned with offset 0 and width 6, here 2 and 6"),
        ({"length": 9, "width": 3}, "interpolate", "was learned with offset 0 and width 6, here 0 and 3"),
    ],
)
def test_what_cannot_be_taken_over_is_told(options: dict[str, Any], how: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Learned(6, **options).stretch(Learned(6, length=5), how)


def test_other_schemes_have_no_positions_to_take_over() -> None:
    with pytest.raises(ValueError, match="T5 cannot take over positions from a table of another size"):
        T5(2, False).stretch(T5(2, False), "copy")
