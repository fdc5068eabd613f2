"""Means, intervals and comparisons over a handful of seeds.

Student-t throughout: with three to ten runs, bootstrap intervals and mean +- 1.96 standard errors cover far less than
they promise. scipy is imported when the first interval is asked for.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
# Below this many shared seeds, a comparison has next to no power and gets no verdict.
FEWEST_SEEDS = 3


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds. `sd` is the sample standard deviation; it and the 95 % interval need two values."""

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None

    @property
    def half_width(self) -> float | None:
        return None if self.high is None else self.high - self.mean

    def overlaps(self, other: Estimate) -> bool | None:
        """Whether the two intervals share a point; None where one of them is missing."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return None
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class Difference:
    """A variant minus the baseline, paired on the seed. `p` is two-sided and Holm-adjusted once all are known."""

    n: int
    mean: float
    low: float | None
    high: float | None
    p: float | None

    def verdict(self, goal: str) -> str:
        """`better`, `worse`, `no difference shown` or `too few seeds`."""
        if self.n < FEWEST_SEEDS or self.p is None:
            return "too few seeds"
        if self.p >= 1 - CONFIDENCE:
            return "no difference shown"
        return "better" if (self.mean < 0) == (goal == "minimize") else "worse"


def estimate(values: Sequence[float]) -> Estimate | None:
    """Mean, sample sd and 95 % t interval of `values`; None for no values."""
    n = len(values)
    if n == 0:
        return None
    mean = statistics.fmean(values)
    if n == 1:
        return Estimate(1, mean, None, None, None)
    sd = statistics.stdev(values)
    half = t_quantile(n - 1) * sd / math.sqrt(n)
    return Estimate(n, mean, sd, mean - half, mean + half)


def paired_difference(values: Mapping[int, float], baseline: Mapping[int, float]) -> Difference | None:
    """The mean of `values - baseline` over the seeds that both have, with its t interval and unadjusted p value."""
    found = estimate([values[seed] - baseline[seed] for seed in sorted(values.keys() & baseline.keys())])
    if found is None:
        return None
    p: float | None = None
    if found.sd is not None:
        # Differences that do not vary at all are certain, or nothing.
        p = 1.0 if found.mean == 0 else 0.0
        if found.sd > 0:
            p = 2 * t_below(-abs(found.mean) * math.sqrt(found.n) / found.sd, found.n - 1)
    return Difference(found.n, found.mean, found.low, found.high, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: holds the chance of any false alarm among the comparisons."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def t_quantile(freedom: int) -> float:
    """How many standard errors a two-sided interval at `CONFIDENCE` reaches, with `freedom` degrees of freedom."""
    # scipy.special loads in a fraction of the time of scipy.stats and holds the same function.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def t_below(t: float, freedom: int) -> float:
    """The chance that Student's t lies below `t`."""
    from scipy.special import stdtr

    return float(stdtr(freedom, t))
