"""Settings chosen at random, or all in turn."""

from __future__ import annotations

import math
import statistics

import pytest

from experiments.sweep.draws import different, draws, grid, in_words, tidy
from experiments.sweep_options import Distribution

RATE = Distribution(log_uniform=[1e-4, 1e-2])


def test_more_draws_begin_with_those_of_fewer() -> None:
    space = {"a": RATE, "b": ["x", "y"]}
    assert draws(space, 20, 3)[:5] == draws(space, 5, 3)
    assert draws(space, 20, 3) != draws(space, 20, 4)


def test_no_draw_comes_twice_and_there_is_an_end() -> None:
    space = {"a": [1, 2, 3], "b": Distribution(integers=[0, 9])}
    assert different(space) == 30
    found = draws(space, 30, 0)
    assert len({(drawn["a"], drawn["b"]) for drawn in found}) == 30
    assert len(draws(space, 99, 0)) == 30
    # no two of the numbers between these ends are different
    assert len(draws({"a": Distribution(uniform=[1.0, 1.0])}, 3, 0)) == 1
    assert len(draws({"a": Distribution(uniform=[1.0, math.nextafter(1.0, 2.0)])}, 3, 0)) <= 2


@pytest.mark.parametrize(
    ("source", "low", "high", "middle"),
    [
        (Distribution(uniform=[-1.0, 3.0]), -1.0, 3.0, 1.0),
        (Distribution(integers=[2, 4]), 2, 4, 3),
        (RATE, 1e-4, 1e-2, 1e-3),
    ],
)
def test_values_keep_within_their_ends_and_around_their_middle(
    source: Distribution, low: float, high: float, middle: float
) -> None:
    drawn = [row["a"] for row in draws({"a": source, "b": Distribution(uniform=[0, 1])}, 2000, 0)]
    assert low <= min(drawn) <= low + 0.01 * (high - low) and high * 0.99 <= max(drawn) <= high
    assert statistics.median(drawn) == pytest.approx(middle, rel=0.15, abs=0.1 * (high - low) if low < 0 else 0)
    assert all(isinstance(value, int) for value in drawn) == (source.integers is not None)


def test_numbers_are_such_as_people_write() -> None:
    assert tidy(0.00312345, 1e-4, 1e-2) == 0.003123
    assert tidy(0.99999, 0.0, 0.99998) == 0.99998
    assert tidy(100.001234, 100.0, 100.01) == 100.00123


def test_all_in_turn() -> None:
    assert grid({"a": [1, 2], "b": ["x", "y"]}) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]
    with pytest.raises(ValueError, match="no end of values"):
        grid({"a": RATE})


def test_sources_in_words() -> None:
    assert in_words(["full", {"kind": "full", "window": 8}]) == "full, full window=8"
    assert in_words(RATE) == "0.0001 to 0.01, evenly in the logarithm"
    assert in_words(Distribution(integers=[2, 4])) == "2 to 4, whole numbers"
    assert in_words(Distribution(uniform=[0, 0.5])) == "0 to 0.5"
