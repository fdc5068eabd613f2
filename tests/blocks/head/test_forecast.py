"""The head that lays all vectors of a row end to end."""

from __future__ import annotations

import torch

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.head import ForecastHead

HIDDEN = torch.randn(2, 4, 6).double()
EMBEDDING = TokenEmbedding(6, 5)


def test_one_linear_map_of_all_vectors() -> None:
    head = ForecastHead(6, horizon=3, patches=4, values=2).double()
    found = head(HIDDEN, Coords.of(4), EMBEDDING)
    flat = torch.stack([torch.cat(list(row)) for row in HIDDEN])
    right = (flat @ head.matrix.weight.T + head.matrix.bias).reshape(2, 3, 2)
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)


def test_a_short_row_stands_at_the_end() -> None:
    head = ForecastHead(6, horizon=3, patches=4).double()
    padded = torch.cat([torch.zeros(2, 2, 6).double(), HIDDEN[:, :2]], dim=1)
    torch.testing.assert_close(head(HIDDEN[:, :2], Coords.of(2), EMBEDDING), head(padded, Coords.of(4), EMBEDDING))


def test_padding_in_the_middle_is_left_out() -> None:
    head = ForecastHead(6, horizon=3, patches=4).double()
    valid = torch.tensor([[True, False, True, True], [False, True, True, False]])
    found = head(HIDDEN.masked_fill(~valid[..., None], float("nan")), Coords.of(4, valid=valid), EMBEDDING)
    for row in range(2):
        alone = HIDDEN[row, valid[row]][None]
        torch.testing.assert_close(found[row : row + 1], head(alone, Coords.of(alone.shape[1]), EMBEDDING))


def test_of_a_longer_row_the_last_vectors_count() -> None:
    head = ForecastHead(6, horizon=3, patches=2).double()
    torch.testing.assert_close(
        head(HIDDEN, Coords.of(4), EMBEDDING), head(HIDDEN[:, 2:], Coords.of(2), EMBEDDING), rtol=1e-12, atol=1e-12
    )
