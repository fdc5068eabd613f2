from __future__ import annotations

import itertools

import pytest
import torch

from experiments.losses import match


@pytest.mark.parametrize(("queries", "targets"), [(5, 3), (4, 4), (3, 5), (4, 0)])
def test_no_other_assignment_is_cheaper(queries: int, targets: int) -> None:
    cost = torch.randn(queries, targets)
    found = match(cost)
    assert len(found.queries) == len(found.targets) == min(queries, targets)
    assert found.queries.tolist() == sorted(set(found.queries.tolist()))
    assert len(set(found.targets.tolist())) == len(found.targets)
    if queries >= targets:
        orders = itertools.permutations(range(queries), targets)
        cheapest = min(sum(float(cost[q, t]) for t, q in enumerate(order)) for order in orders)
        assert float(cost[found.queries, found.targets].sum()) == pytest.approx(cheapest, abs=1e-5)


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_what_is_no_number_is_taken_last(wrong: float, dtype: torch.dtype) -> None:
    cost = torch.tensor([[wrong, wrong], [5.0, 9.0], [6.0, 8.0]], dtype=dtype)
    assert match(cost).queries.tolist() == [1, 2]
    assert len(match(cost[:2]).queries) == 2, "and when nothing else is left"
