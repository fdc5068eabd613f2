"""Numbers as people read them, of any size."""

from __future__ import annotations

import pytest

from experiments.results.words import decimals_for, fixed, listed, signed, signed_interval, times


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([], 3),
        ([2.31], 3),
        ([2.31, 2.64], 3),
        ([2.31, 2.35], 4),
        ([1.0, 90.0], 2),
        ([2.3, 2.3000001], 4),
        ([1.1e-6, 1.4e-6], 8),
        ([3e-7], 9),
        ([0.0, 0.0], 3),
        ([-1e308, 1e308], 2),
    ],
)
def test_decimals_tell_values_apart(values: list[float], decimals: int) -> None:
    assert decimals_for(values) == decimals


def test_very_large_and_very_small_numbers_have_an_exponent() -> None:
    assert fixed(2.3904, 3) == "2.390"
    assert fixed(1.5e12, 2) == "1.5e+12"
    assert fixed(3e-7, 9) == "3e-07"
    assert signed(-0.0123, 3) == "\u22120.012"
    assert signed(0.0, 2) == "+0.00"
    assert signed_interval(-0.12, 0.06, 2) == "\u22120.12 to +0.06"
    assert signed_interval(None, 0.06, 2) == "\u2013"


def test_lists() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_numbers_of_things() -> None:
    assert [times(number, "trial") for number in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]
    assert [times(number, "try") for number in (1, 3)] == ["1 try", "3 tries"]
