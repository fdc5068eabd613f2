"""A curve in a few characters."""

from __future__ import annotations

import math

from experiments.display.sparkline import BLOCKS, PLAIN, Trace, signs_for, sparkline


def test_the_lowest_and_the_highest() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8]) == BLOCKS
    assert sparkline([8, 1]) == BLOCKS[-1] + BLOCKS[0]
    assert sparkline([3, 3, 3]) == BLOCKS[0] * 3
    assert sparkline([]) == ""


def test_more_values_than_signs_are_averaged() -> None:
    assert sparkline([0, 2, 8, 10, 18, 20], width=3, signs=PLAIN) == PLAIN[0] + PLAIN[3] + PLAIN[-1]
    assert sparkline(range(1000), width=8) == BLOCKS
    assert len(sparkline(range(1001), width=7)) == 7


def test_what_is_not_finite_is_a_cross() -> None:
    assert sparkline([1, math.nan, 2]) == f"{BLOCKS[0]}x{BLOCKS[-1]}"
    assert sparkline([math.inf, math.inf]) == "xx"


def test_terminals_without_blocks() -> None:
    assert signs_for("utf-8") == BLOCKS
    assert signs_for("ascii") == signs_for("latin-1") == signs_for("no such encoding") == PLAIN
    assert sparkline([2, 1], signs=PLAIN) == "#_"


def test_a_trace_keeps_the_shape_of_a_long_series() -> None:
    trace = Trace(most=8)
    for value in range(10_000):
        trace.add(value)
        assert len(trace.values) < 16
    assert trace.values == sorted(trace.values)
    steps = {round(b - a) for a, b in zip(trace.values, trace.values[1:], strict=False)}
    assert len(steps) == 1, "evenly over all of it"
    assert trace.values[-1] > 8_000 and trace.values[0] < 2_000
