"""Axes: what conditions pick of them, and what their values are called."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.sweep.axes import Factor, axis_of
from experiments.sweep.labels import fits, label, labels_of, number_labels, same

LONG = {"kind": "longformer", "window": 64}
ATTENTION = ["full", {"kind": "full", "window": 8}, LONG, "performer"]


def axis(values: list[Any], labels: list[str] | None = None) -> Factor:
    return axis_of("a", {"values": values, "labels": labels, "when": None})


@pytest.mark.parametrize(
    ("wanted", "steps"),
    [
        # the value itself comes before what else would do
        ("full", {0}),
        ({"kind": "full"}, {0}),
        ({"window": 8}, {1}),
        ("full window=8", {1}),
        ("longformer", {2}),
        ({"kind": "longformer", "window": 64}, {2}),
        ({"kind": "longformer", "window": 8}, set()),
        (["full", "performer"], {0, 3}),
        (["longformer", "nothing"], {2}),
        ("linear", set()),
        (None, set()),
    ],
)
def test_what_a_condition_picks(wanted: Any, steps: set[int]) -> None:
    assert axis(ATTENTION).picks("a", wanted) == steps


def test_values_that_are_lists_are_not_taken_apart() -> None:
    patterns = axis([["near", "far"], ["far", "near"], ["near"]])
    assert patterns.picks("a", ["near", "far"]) == {0}
    assert patterns.picks("a", [["near", "far"], ["near"]]) == {0, 2}


def test_labels_of_their_own_name_values_too() -> None:
    sizes = axis([16, 64], ["small", "large"])
    assert sizes.labels == {"a": ["small", "large"]}
    assert sizes.picks("a", "large") == {1} == sizes.picks("a", 64)


def test_values_are_named_as_shortly_as_they_can_be_told_apart() -> None:
    assert labels_of(ATTENTION) == ["full", "full window=8", "longformer", "performer"]
    assert labels_of([1e-3, 0.1, 0.1]) == ["0.001", "0.1", "0.1"]
    assert labels_of([True, None, ["a", 2]]) == ["true", "nothing (null)", "[a, 2]"]
    assert label({"kind": "x", "inner": {"kind": "y", "size": 2}}) == "x inner=y size=2"


def test_drawn_numbers_have_as_few_digits_as_tell_them_apart() -> None:
    assert number_labels([0.003123, 0.0451]) == ["0.0031", "0.045"]
    assert number_labels([0.003123, 0.003129]) == ["0.00312", "0.00313"]
    assert number_labels([3, 12345, 3]) == ["3", "12345", "3"]
    assert number_labels([0.5, 0.5]) == ["0.5", "0.5"]


def test_when_two_values_are_the_same() -> None:
    assert same("full", {"kind": "full"}) and same({"kind": "full"}, "full")
    assert same(1, 1.0) and not same(1, True) and not same("1", 1)
    assert same([1, {"a": "x"}], [1.0, {"a": {"kind": "x"}}])
    assert not same({"kind": "full"}, {"kind": "full", "window": 8})


def test_when_a_value_has_what_is_wanted() -> None:
    full = {"kind": "full", "window": None, "inner": {"kind": "x", "size": 2}}
    assert fits("full", full) and fits({"inner": "x"}, full) and fits({"window": None}, full)
    assert fits({"inner": {"size": 2}}, full) and not fits({"inner": {"size": 3}}, full)
    assert not fits("x", full) and not fits({"depth": 1}, full) and fits("decoder", {"topology": "decoder"})
