"""The noise floor, by hand and against scipy."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from experiments.results.noise import noise_of


def test_the_baselines_own_from_five_seeds_on() -> None:
    own = [2.0, 2.1, 2.3, 2.2, 2.15]
    found = noise_of({"base": own, "wild": [0.0, 9.0, 18.0]}, "base")
    assert found is not None
    sd = float(stats.tstd(own))
    assert (found.sd, found.freedom, found.of) == (pytest.approx(sd), 4, "the baseline")
    assert found.difference == pytest.approx(stats.t.ppf(0.975, 4) * math.sqrt(2) * sd)
    # The interval of a variance: (n - 1) s^2 over the quantiles of chi-squared.
    ends = [math.sqrt(4 * sd**2 / stats.chi2.ppf(share, 4)) for share in (0.975, 0.025)]
    assert [found.low, found.high] == pytest.approx(ends)


def test_pooled_below_five_seeds() -> None:
    found = noise_of({"base": [1.0, 3.0], "b": [2.0, 2.0, 5.0], "one": [7.0], "none": []}, "base")
    assert found is not None
    # variances 2 and 3 with 1 and 2 degrees of freedom
    assert found.sd == pytest.approx(math.sqrt((1 * 2 + 2 * 3) / 3))
    assert (found.freedom, found.of) == (3, "2 variants, pooled")


def test_the_baselines_own_where_nothing_else_has_a_spread() -> None:
    found = noise_of({"base": [1.0, 3.0], "b": [2.0]}, "base")
    assert found is not None
    assert (found.of, found.sd) == ("the baseline", pytest.approx(math.sqrt(2)))
    other = noise_of({"base": [1.0], "b": [2.0, 3.0]}, "base")
    assert other is not None
    assert other.of == "the one variant with several seeds"


def test_no_second_seed_no_noise() -> None:
    assert noise_of({"base": [1.0], "b": [2.0]}, "base") is None
    assert noise_of({}, None) is None


def test_runs_that_are_alike() -> None:
    found = noise_of({"base": [1.0, 1.0, 1.0, 1.0, 1.0]}, "base")
    assert found is not None
    assert (found.sd, found.difference, found.low, found.high) == (0.0, 0.0, None, None)


def test_numbers_whose_squares_overflow() -> None:
    found = noise_of({"a": [1e200, 3e200], "b": [1e200, 3e200]}, None)
    assert found is not None
    assert found.sd == pytest.approx(math.sqrt(2) * 1e200)
