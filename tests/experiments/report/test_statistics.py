"""The statistics against scipy and against numbers worked out by hand."""

import pytest
from scipy import stats

from experiments.results.statistics import estimate, holm, paired_difference


def test_three_values_by_hand() -> None:
    found = estimate([1.0, 2.0, 3.0])
    assert found is not None
    # mean 2, sd 1, t(0.975; 2) = 4.302653, half width = 4.302653 / sqrt(3)
    assert (found.n, found.mean, found.sd) == (3, 2.0, 1.0)
    assert found.half_width == pytest.approx(2.4841377)
    assert (found.low, found.high) == pytest.approx((-0.4841377, 4.4841377))


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_interval_equals_scipy(n: int) -> None:
    values = [2.3 + 0.01 * ((7 * k) % 5) + 0.003 * k for k in range(n)]
    found = estimate(values)
    assert found is not None
    low, high = stats.t.interval(0.95, n - 1, loc=found.mean, scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)


def test_few_values() -> None:
    assert estimate([]) is None
    single = estimate([2.0])
    assert single is not None
    assert (single.n, single.mean, single.sd, single.low) == (1, 2.0, None, None)
    assert single.overlaps(single) is None


def test_overlap() -> None:
    one, far, near = estimate([1.0, 1.01, 1.02]), estimate([2.0, 2.01, 2.02]), estimate([1.02, 1.03, 1.04])
    assert one
    assert far
    assert near
    assert one.overlaps(near) is True
    assert near.overlaps(one) is True
    assert one.overlaps(far) is False
    assert far.overlaps(one) is False


def test_difference_is_paired_on_the_shared_seeds() -> None:
    values, baseline = {0: 2.30, 1: 2.40, 2: 2.55, 7: 9.0}, {0: 2.35, 1: 2.47, 2: 2.58, 8: 1.0}
    found = paired_difference(values, baseline)
    shared = [0, 1, 2]
    expected = stats.ttest_rel([values[s] for s in shared], [baseline[s] for s in shared])
    assert found is not None
    assert found.n == 3
    assert found.mean == pytest.approx(-0.05)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert paired_difference({0: 1.0}, {1: 1.0}) is None


def test_verdicts() -> None:
    clear = paired_difference({0: 1.0, 1: 1.1, 2: 1.2}, {0: 2.0, 1: 2.11, 2: 2.19})
    assert clear is not None
    assert (clear.verdict("minimize"), clear.verdict("maximize")) == ("better", "worse")
    vague = paired_difference({0: 1.0, 1: 1.1, 2: 1.2}, {0: 1.1, 1: 1.0, 2: 1.21})
    assert vague is not None
    assert vague.verdict("minimize") == "no difference shown"
    few = paired_difference({0: 1.0, 1: 1.1}, {0: 2.0, 1: 2.1})
    assert few is not None
    assert few.verdict("minimize") == "too few seeds"
    constant = paired_difference({0: 1.0, 1: 1.0, 2: 1.0}, {0: 1.0, 1: 1.0, 2: 1.0})
    assert constant is not None
    assert constant.p == 1.0


def test_holm_by_hand() -> None:
    # Smallest times 3, next times 2, largest times 1, never decreasing, never above 1.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
