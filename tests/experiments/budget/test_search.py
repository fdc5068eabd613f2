"""The search for the nearest value, against trying every value."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.budget.search import SCAN, Found, nearest

MOST = 200


def found(amount: Callable[[int], float | None], target: float, start: int = 10, most: int = MOST) -> Found:
    answer = nearest(amount, target, start, most)
    assert answer is not None
    return answer


@st.composite
def staircases(draw: st.DrawFn) -> dict[int, float]:
    """Amounts of some of the values up to MOST, which only grow, or only fall, and may rest."""
    values = sorted(draw(st.sets(st.integers(1, MOST), min_size=1, max_size=40)))
    steps = draw(st.lists(st.integers(0, 50), min_size=len(values), max_size=len(values)))
    amounts = [1.0 + sum(steps[: i + 1]) for i in range(len(values))]
    return dict(zip(values, amounts if draw(st.booleans()) else amounts[::-1], strict=True))


@settings(max_examples=400, deadline=None)
@given(staircases(), st.integers(1, 2500), st.integers(1, 400))
def test_no_value_comes_nearer(amounts: dict[int, float], target: int, start: int) -> None:
    answer = found(amounts.get, target, start)
    far = {value: abs(amount - target) for value, amount in amounts.items()}
    if not answer.flat:
        assert far[answer.nearest.value] == min(far.values())
        below = [amount for amount in amounts.values() if amount <= target]
        above = [amount for amount in amounts.values() if amount >= target]
        assert (answer.below and answer.below.amount) == max(below, default=None)
        assert (answer.above and answer.above.amount) == min(above, default=None)


@pytest.mark.parametrize(
    "amount", [lambda v: 3 * v + 100, lambda v: v * v + 7 * v, lambda v: 1e6 / v], ids=("line", "curve", "fall")
)
@pytest.mark.parametrize("target", [103, 150, 777, 5000, 100_000])
def test_smooth_amounts_need_few_looks(amount: Callable[[int], float], target: float) -> None:
    seen: list[int] = []

    def count(value: int) -> float:
        seen.append(value)
        return amount(value)

    answer = found(count, target, 64, 10**6)
    best = min(range(1, 40_000), key=lambda v: abs(amount(v) - target))
    assert answer.nearest.amount == amount(best)
    assert len(seen) <= 20


def test_a_straight_line_needs_four() -> None:
    seen: list[int] = []

    def count(value: int) -> float:
        seen.append(value)
        return 1000.0 + 37 * value

    assert found(count, 1000 + 37 * 813 + 5, 100, 10**6).nearest.value == 813
    assert len(seen) == len(set(seen)) <= 5


@pytest.mark.parametrize("grid", [2, 16, 96])
def test_values_that_can_be_may_lie_far_apart(grid: int) -> None:
    answer = found(lambda v: None if v % grid else float(v), 1000, start=7, most=5000)
    assert abs(answer.nearest.value - 1000) == min(abs(v - 1000) for v in range(grid, 5000, grid))
    assert answer.below and answer.above and answer.below.value == 1000 // grid * grid


def test_of_two_as_near_the_one_with_less() -> None:
    assert found(lambda v: float(2 * v), 15).nearest.amount == 14


def test_out_of_reach_on_either_side() -> None:
    high = found(float, 1000.0)
    assert high.nearest.value == MOST and high.above is None
    low = found(lambda v: 50.0 + v, 10.0)
    assert low.nearest.value == 1 and low.below is None


def test_an_amount_that_never_moves_is_flat() -> None:
    assert found(lambda v: 5.0, 7).flat
    assert found(lambda v: 5.0 if v == 10 else None, 7).flat
    # a rest at the start is not the end
    assert not found(lambda v: float(v // 16), 9, most=500).flat


def test_a_start_that_is_right_is_not_left() -> None:
    seen: list[int] = []
    assert found(lambda v: seen.append(v) or 5.0, 5, start=17).nearest.value == 17  # type: ignore[func-returns-value]
    assert seen == [17]


def test_no_value_at_all() -> None:
    tried: list[int] = []
    assert nearest(lambda v: tried.append(v), 5, 3, 10**9) is None  # type: ignore[func-returns-value]
    assert len(tried) <= 2 * SCAN


def test_nothing_is_asked_twice() -> None:
    seen: list[int] = []
    found(lambda v: seen.append(v) or float(v * v), 777, 3, 10**6)  # type: ignore[func-returns-value]
    assert all(a != b for a, b in pairwise(sorted(seen)))
