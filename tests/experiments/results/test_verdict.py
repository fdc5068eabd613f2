"""What is said of a difference."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.results.statistics import MOST_SEEDS
from experiments.results.verdict import Difference, corrected, paired_difference

BASE = {0: 2.0, 1: 2.11, 2: 2.19, 3: 2.05, 4: 2.08}


def against(*shifts: float, seeds: int | None = None) -> Difference:
    """The difference from a baseline of a variant that is off by these, seed by seed."""
    found = paired_difference({seed: BASE[seed] + shift for seed, shift in enumerate(shifts[:seeds])}, BASE)
    assert found is not None
    return found


def test_better_and_worse_follow_the_goal() -> None:
    found = against(-1.0, -1.01, -0.99)
    assert (found.verdict("minimize"), found.verdict("maximize"), found.verdict(None)) == ("better", "worse", "lower")
    assert against(1.0, 1.01, 0.99).verdict(None) == "higher"
    assert found.words("minimize") == "better"


def test_a_single_comparison_is_what_scipy_says() -> None:
    shifts = [-0.2, 0.1, -0.1, -0.3, 0.0]
    found = against(*shifts)
    expected = stats.ttest_1samp(shifts, 0)
    interval = expected.confidence_interval(0.95)
    assert found.p == found.p_holm == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == (found.low_all, found.high_all) == pytest.approx((interval.low, interval.high))
    assert found.effect == pytest.approx(float(expected.statistic) / math.sqrt(5))


def test_words_for_what_cannot_be_told() -> None:
    found = against(-0.2, 0.1, -0.1, -0.3, 0.0)
    assert found.seeds_needed == 22
    assert found.words("minimize") == "not distinguishable (would need about 22 seeds)"
    nothing = against(-1e-6, 0.1, -0.1, 0.2, -0.2)
    assert nothing.seeds_needed == MOST_SEEDS + 1
    assert nothing.words("minimize") == "not distinguishable (would need more than 1,000 seeds)"


def test_too_few_seeds_get_no_verdict_however_clear() -> None:
    for seeds in (1, 2):
        found = against(-1.0, -1.01, seeds=seeds)
        assert found.verdict("minimize") == "too few seeds"
        assert found.words("minimize") == f"too few seeds ({seeds} of at least 3)"
        assert found.seeds_needed is None
    assert against(-1.0).low is None


def test_no_shared_seed_is_no_difference() -> None:
    assert paired_difference({5: 1.0}, BASE) is None
    assert paired_difference({}, BASE) is None


def test_the_same_difference_with_every_seed() -> None:
    found = against(-0.5, -0.5, -0.5)
    assert (found.sd, found.effect, found.seeds_needed, found.low, found.low_all) == (0.0, None, None, None, None)
    assert found.words("minimize") == "not distinguishable (the same difference with every seed)"
    equal = against(0.0, 0.0, 0.0)
    assert (equal.low, equal.high, equal.p) == (0.0, 0.0, 1.0)
    assert equal.words("minimize") == "not distinguishable"
    many = paired_difference(dict.fromkeys(range(8), 0.91), dict.fromkeys(range(8), 0.9))
    assert many is not None
    assert many.words("maximize") == "better"


def test_what_was_lost_and_what_luck_may_be_stands_in_the_words() -> None:
    found = replace(against(-0.05, -0.051, -0.049), luck=0.08, lost="2 of 5 diverged")
    assert found.words("minimize") == "better, by less than the luck of one seed (2 of 5 diverged)"
    assert replace(found, luck=0.04).words("minimize") == "better (2 of 5 diverged)"
    vague = replace(against(-0.2, 0.1, -0.1, -0.3, 0.0), luck=0.5, lost="1 of 6 failed")
    assert vague.words("minimize") == "not distinguishable (would need about 22 seeds; 1 of 6 failed)"


def test_correction_is_holm_over_those_that_can_be_tested() -> None:
    found = {"a": against(-0.2, -0.1, -0.15), "b": against(-0.02, 0.1, -0.15), "few": against(-1.0, -1.0, seeds=2)}
    done = corrected(found)
    p = found["a"].p
    assert p is not None
    assert done["a"].p_holm == pytest.approx(2 * p)
    assert (done["a"].comparisons, done["a"].p) == (2, p)
    assert done["few"].verdict("minimize") == "too few seeds"
    assert done["few"].p_holm is None
    assert done["b"].seeds_needed is not None
    assert found["b"].seeds_needed is not None
    assert done["b"].seeds_needed > found["b"].seeds_needed


def test_several_looks_ask_for_more() -> None:
    looks = 4
    values = {seed: BASE[seed] + shift for seed, shift in enumerate([-0.2, -0.1, -0.15])}
    once, often = paired_difference(values, BASE), paired_difference(values, BASE, confidence=1 - 0.05 / looks)
    assert once is not None
    assert often is not None
    assert once.p is not None
    assert once.low is not None
    assert often.low is not None
    assert often.p_holm == pytest.approx(looks * once.p)
    assert often.low < once.low
    # its p is 0.037: enough once, not enough after four looks
    assert (once.verdict("minimize"), often.verdict("minimize")) == ("better", "not distinguishable")


shifts = st.lists(st.floats(-1, 1), min_size=3, max_size=5)


@settings(deadline=None)
@given(st.lists(shifts, min_size=1, max_size=8), st.sampled_from([1, 4]))
def test_an_interval_leaves_out_zero_just_where_there_is_a_verdict(variants: list[list[float]], looks: int) -> None:
    confidence = 1 - 0.05 / looks
    found = {str(number): against(*own) for number, own in enumerate(variants)}
    for one in corrected(found, confidence=confidence).values():
        assert one.p_holm is not None
        if one.low_all is None or one.high_all is None or abs(one.p_holm - 0.05) < 1e-9:
            continue
        clear = one.low_all > 0 or one.high_all < 0
        assert clear == (one.verdict("minimize") in ("better", "worse"))
        if looks == 1:
            assert one.low is not None
            assert one.low_all <= one.low + 1e-9


@settings(deadline=None)
@given(shifts)
def test_turning_signs_and_goal_changes_nothing(own: list[float]) -> None:
    values = {seed: BASE[seed] + shift for seed, shift in enumerate(own)}
    turned = {seed: -value for seed, value in values.items()}
    one = paired_difference(values, BASE)
    other = paired_difference(turned, {seed: -value for seed, value in BASE.items()})
    assert one is not None
    assert other is not None
    assert one.words("minimize") == other.words("maximize")
