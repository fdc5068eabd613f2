"""Means, tests and power against scipy, published examples, and properties that must hold for any numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.results.statistics import (
    FEWEST_SEEDS,
    MOST_SEEDS,
    POWER,
    estimate,
    holm,
    holm_levels,
    paired,
    power,
    seeds_needed,
    t_interval,
)

numbers = st.floats(-1e3, 1e3)
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_three_values_by_hand() -> None:
    found = estimate([1.0, 2.0, 3.0])
    assert found is not None
    # mean 2, sd 1, t(0.975; 2) = 4.302653, half width = 4.302653 / sqrt(3)
    assert (found.n, found.mean, found.sd) == (3, 2.0, 1.0)
    assert found.half_width == pytest.approx(2.4841377)
    assert (found.low, found.high) == pytest.approx((-0.4841377, 4.4841377))


@pytest.mark.parametrize("confidence", [0.95, 0.9875])
@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_interval_equals_scipy(n: int, confidence: float) -> None:
    values = [2.3 + 0.01 * ((7 * k) % 5) + 0.003 * k for k in range(n)]
    found = estimate(values, confidence=confidence)
    assert found is not None
    interval = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_few_values() -> None:
    assert estimate([]) is None
    single = estimate([2.0])
    assert single is not None
    assert (single.n, single.mean, single.sd, single.low, single.half_width) == (1, 2.0, None, None, None)
    assert single.overlaps(single) is None


def test_a_value_that_is_no_number_is_refused() -> None:
    for bad in (math.nan, math.inf, -math.inf):
        with pytest.raises(ValueError, match="not finite"):
            estimate([1.0, bad])


def test_values_that_are_the_same_have_no_spread() -> None:
    # 0.1 + 0.2 is not 0.3, by rounding alone
    found = estimate([0.3, 0.1 + 0.2, 0.3])
    assert found is not None
    assert (found.sd, found.low, found.high) == (0.0, found.mean, found.mean)


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e-9, 1e9, 1e300, 1.7e308])
def test_size_does_not_matter(size: float) -> None:
    found = estimate([0.5 * size, 0.75 * size, size])
    assert found is not None
    assert found.mean == pytest.approx(0.75 * size, rel=1e-3)
    assert found.sd == pytest.approx(0.25 * size, rel=1e-3)
    test = paired({0: 0.5 * size, 1: 0.75 * size, 2: size}, {0: -0.5 * size, 1: 0.0, 2: -size})
    assert test is not None
    assert test.p == pytest.approx(float(stats.ttest_1samp([1.0, 0.75, 2.0], 0).pvalue), rel=1e-2)


def test_an_interval_beyond_all_numbers_is_none() -> None:
    found = estimate([-1.7e308, 1.7e308])
    assert found is not None
    assert found.mean == 0
    assert (found.low, found.high) == (None, None)
    assert t_interval(2, 0.0, math.inf, 0.95) == (None, None)


def test_overlap() -> None:
    one, far, near = estimate([1.0, 1.01, 1.02]), estimate([2.0, 2.01, 2.02]), estimate([1.02, 1.03, 1.04])
    assert one
    assert far
    assert near
    assert one.overlaps(near) is True
    assert near.overlaps(one) is True
    assert one.overlaps(far) is False
    assert far.overlaps(one) is False


def test_the_paired_test_equals_scipy_on_the_shared_seeds() -> None:
    values, others = {0: 2.30, 1: 2.40, 2: 2.55, 7: 9.0}, {0: 2.35, 1: 2.47, 2: 2.58, 8: 1.0}
    found = paired(values, others)
    expected = stats.ttest_rel([2.30, 2.40, 2.55], [2.35, 2.47, 2.58])
    assert found is not None
    assert found.n == 3
    assert found.mean == pytest.approx(-0.05)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert paired({0: 1.0}, {1: 1.0}) is None


def test_the_sleep_data_of_student() -> None:
    # Student 1908, Biometrika 6: extra hours of sleep of ten patients by two drugs; t = -4.0621, p = 0.00283
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = paired(dict(enumerate(first)), dict(enumerate(second)))
    assert found is not None
    assert found.mean == pytest.approx(-1.58)
    assert found.p == pytest.approx(0.002833, abs=1e-6)
    low, high = t_interval(found.n, found.mean, found.sd, 0.95)
    assert (low, high) == pytest.approx((-2.4598858, -0.7001142))


@pytest.mark.parametrize("n", [2, 3, 6, 10])
def test_a_difference_that_does_not_vary_is_tested_by_its_signs(n: int) -> None:
    values, others = {seed: 0.9 + 0.1 * seed for seed in range(n)}, {seed: 0.8 + 0.1 * seed for seed in range(n)}
    found = paired(values, others)
    assert found is not None
    assert found.sd == 0
    assert found.p == pytest.approx(stats.binomtest(n, n, 0.5).pvalue)
    same = paired(others, others)
    assert same is not None
    assert (same.mean, same.sd, same.p) == (0.0, 0.0, 1.0)


def test_one_pair_has_no_test() -> None:
    found = paired({0: 1.0}, {0: 2.0})
    assert found is not None
    assert (found.n, found.mean, found.sd, found.p) == (1, -1.0, None, None)


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=8), st.integers(-20, 20))
@example([(0.0, 2.0), (2.0, 0.0), (0.0, 2.2250738585072014e-308)], 0)
def test_p_knows_neither_unit_nor_direction(pairs: list[tuple[float, float]], exponent: int) -> None:
    unit = 2.0**exponent
    a, b = ({seed: pair[side] for seed, pair in enumerate(pairs)} for side in (0, 1))
    one, other = paired(a, b), paired(b, a)
    scaled = paired({s: v * unit for s, v in a.items()}, {s: v * unit for s, v in b.items()})
    assert one
    assert other
    assert scaled
    assert one.p == other.p == scaled.p
    assert one.mean == -other.mean
    assert scaled.mean == one.mean * unit


def test_holm_by_hand() -> None:
    # Smallest times 3, next times 2, largest times 1, never decreasing, never above 1.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_worked_example() -> None:
    # The four hypotheses of Wikipedia's article on the method: the fourth and the first are rejected at 5 %.
    p_values = [0.01, 0.04, 0.03, 0.005]
    assert holm(p_values) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # 0.05 / 4 for the smallest, 0.05 / 3 for the next, 0.05 / 2 for the one that fails and for what is left
    assert holm_levels(p_values, 0.05) == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4])


@settings(deadline=None)
@given(probabilities)
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    assert [adjusted[place] for place in order] == sorted(adjusted)
    for p, own in zip(p_values, adjusted, strict=True):
        assert p <= own <= min(1.0, len(p_values) * p) + 1e-15


@settings(deadline=None)
@given(probabilities, st.randoms())
def test_holm_does_not_depend_on_the_order_of_the_variants(p_values: list[float], random: object) -> None:
    order = list(range(len(p_values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    adjusted, shuffled = holm(p_values), holm([p_values[place] for place in order])
    assert [adjusted[place] for place in order] == shuffled


@settings(deadline=None)
@given(probabilities, st.integers(0, 11), st.floats(0, 1))
def test_a_smaller_p_never_makes_any_verdict_harder(p_values: list[float], place: int, share: float) -> None:
    place %= len(p_values)
    smaller = [p * share if number == place else p for number, p in enumerate(p_values)]
    assert all(after <= before for before, after in zip(holm(p_values), holm(smaller), strict=True))


@settings(deadline=None)
@given(probabilities)
def test_the_level_of_a_test_says_what_holm_says(p_values: list[float]) -> None:
    adjusted, levels = holm(p_values), holm_levels(p_values, 0.05)
    for p, own, level in zip(p_values, adjusted, levels, strict=True):
        assert 0.05 / len(p_values) <= level <= 0.05
        # but for rounding at the edge itself
        if abs(own - 0.05) > 1e-12:
            assert (p < level) == (own < 0.05)


@pytest.mark.parametrize(("effect", "n"), [(0.5, 34), (0.8, 15), (1.0, 10)])
def test_numbers_of_seeds_against_published_tables(effect: float, n: int) -> None:
    # G*Power 3.1, t tests, means: difference between two dependent means, two-sided, alpha 0.05, power 0.8
    assert seeds_needed(effect, 0.05) == n
    assert power(effect, n, 0.05) >= POWER > power(effect, n - 1, 0.05)


@settings(deadline=None)
@given(st.floats(0.05, 1e6), st.sampled_from([0.05, 0.005, 0.05 / 80]))
def test_seeds_needed_are_the_fewest_that_will_do(effect: float, level: float) -> None:
    n = seeds_needed(effect, level)
    assert n == seeds_needed(-effect, level)
    assert FEWEST_SEEDS <= n <= MOST_SEEDS + 1
    if n <= MOST_SEEDS:
        assert power(effect, n, level) >= POWER
    if n > FEWEST_SEEDS:
        assert power(effect, n - 1, level) < POWER


def test_seeds_needed_has_an_end() -> None:
    assert seeds_needed(1e-9, 0.05) == MOST_SEEDS + 1
    with pytest.raises(ValueError, match="zero"):
        seeds_needed(0.0, 0.05)
