from __future__ import annotations

import torch

from blocks.embedding import Marks, Queries


def test_zeros_and_what_the_positions_add() -> None:
    queries, rows = Queries(3, count=4).double(), torch.empty(2, 0, dtype=torch.long)
    plain = queries(rows, Marks(), lambda x, at: x)
    assert plain.x.dtype == torch.float64 and torch.equal(plain.x, torch.zeros(2, 4, 3).double())
    assert plain.at.pos.tolist() == [[0, 1, 2, 3]]
    placed = queries(rows, Marks(), lambda x, at: x + at.pos.unsqueeze(-1))
    assert placed.x[:, :, 0].tolist() == [[0, 1, 2, 3]] * 2


def test_holds_nothing_that_is_saved_or_trained() -> None:
    queries = Queries(3)
    assert queries.count == 100
    assert not list(queries.parameters()) and not queries.state_dict()
    assert queries.weight is None
