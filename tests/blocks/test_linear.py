"""Tables say which row is missing."""

from __future__ import annotations

import pytest
import torch

from blocks.embedding import Marks, TokenEmbedding
from blocks.linear import Table


@pytest.mark.parametrize(("ids", "row"), [([0, 5, 2], 5), ([1, -1], -1), ([7, -1], 7)])
def test_a_row_that_is_not_there_is_named(ids: list[int], row: int) -> None:
    with pytest.raises(IndexError, match=rf"^there is no row {row} in a table of 5 \(position\)$"):
        Table(5, 4, role="position")(torch.tensor(ids))


def test_numbers_that_are_not_whole_are_refused() -> None:
    with pytest.raises(TypeError, match=r"named by whole numbers, not by torch\.float32"):
        Table(5, 4, role="embedding")(torch.zeros(2))


def test_tokens_come_in_rows() -> None:
    with pytest.raises(ValueError, match=r"tokens are int \[b n\], not a tensor of shape \[6\]"):
        TokenEmbedding(4, 9)(torch.arange(6), Marks(), lambda x, at: x)
