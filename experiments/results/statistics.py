"""Means, intervals, tests and power over a handful of seeds.

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
MOST_SEEDS = 1000
"""How far `seeds_needed` looks."""
POWER = 0.8
"""The chance of a verdict that `seeds_needed` aims at."""
# Values whose spread is a smaller share of their size than this differ by rounding alone.
RESOLUTION = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds. `sd` is the sample standard deviation; it and the interval need two values."""

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


def estimate(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Estimate | None:
    """Mean, sample sd and t interval of `values`; None for no values.

    Values that are the same with every seed have an interval of no width. Raises ValueError for one that is not finite.
    """
    n = len(values)
    if n == 0:
        return None
    mean, sd = _moments(values, max(map(abs, values)))
    low, high = t_interval(n, mean, sd, confidence)
    return Estimate(n, mean, sd, low, high)


def t_interval(n: int, mean: float, sd: float | None, confidence: float) -> tuple[float | None, float | None]:
    """The t interval of a mean of `n` values with that sample sd; (None, None) where it cannot be computed."""
    if sd is None or n < 2:
        return None, None
    if sd == 0:
        return mean, mean
    import numpy as np
    from scipy import stats

    with np.errstate(over="ignore", invalid="ignore"):
        low, high = map(float, stats.t.interval(confidence, n - 1, loc=mean, scale=sd / math.sqrt(n)))
    return (low, high) if math.isfinite(low) and math.isfinite(high) else (None, None)


@dataclass(frozen=True)
class Paired:
    """The differences of pairs: how many, their mean and sd, and the two-sided p value of a mean of zero."""

    n: int
    mean: float
    sd: float | None
    p: float | None


def paired(values: Mapping[int, float], others: Mapping[int, float]) -> Paired | None:
    """`values - others` over the seeds that both have, by the paired t test; None where they share none.

    Where the differences are the same with every seed, a t test would be certain of them at any number of seeds. The
    exact test that turns signs (Fisher 1935) takes its place: p = 2 ** (1 - n), or 1 for no difference.
    """
    seeds = sorted(values.keys() & others.keys())
    if not seeds:
        return None
    a, b = [values[seed] for seed in seeds], [others[seed] for seed in seeds]
    size = max(map(abs, (*a, *b)))
    # Before they are subtracted, so that the largest numbers there are do not overflow.
    unit = _unit(size)
    a, b = [value / unit for value in a], [value / unit for value in b]
    mean, sd = _moments([x - y for x, y in zip(a, b, strict=True)], size / unit)
    n = len(seeds)
    if sd is None:
        p = None
    elif sd == 0:
        p = 1.0 if mean == 0 else 0.5 ** (n - 1)
    else:
        import numpy as np
        from scipy import stats

        # Where the mean is next to nothing, scipy divides by it to warn of rounding.
        with np.errstate(over="ignore"):
            p = float(stats.ttest_rel(a, b).pvalue)
    return Paired(n, mean * unit, None if sd is None else sd * unit, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (Holm 1979): holds the chance of any false alarm among the comparisons."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def holm_levels(p_values: Sequence[float], level: float) -> list[float]:
    """The level that each was tested at: level / m for the smallest p, level / (m - 1) for the next, and so on.

    After the first that fails, none is rejected any more, and the others stay at its level. An interval of confidence
    1 - level / k excludes zero just where Holm's test rejects.
    """
    levels = [0.0] * len(p_values)
    divisor = len(p_values)
    for index in sorted(range(len(p_values)), key=lambda i: p_values[i]):
        levels[index] = level / divisor
        if p_values[index] < levels[index]:
            divisor -= 1
    return levels


def power(effect: float, n: int, level: float) -> float:
    """The chance that a two-sided paired t test of `n` pairs at `level` sees a true `effect` (mean / sd) as it is.

    Seeing it the wrong way round does not count.
    """
    from scipy import stats

    return float(stats.nct.sf(stats.t.isf(level / 2, n - 1), n - 1, abs(effect) * math.sqrt(n)))


def seeds_needed(effect: float, level: float) -> int:
    """The fewest seeds with which a true `effect` (mean / sd) is seen with a chance of `POWER`; at most MOST_SEEDS + 1.

    Raises ValueError for an effect of zero, which no number of seeds shows.
    """
    if effect == 0:
        raise ValueError("no number of seeds shows an effect of zero")
    few, many = FEWEST_SEEDS - 1, FEWEST_SEEDS
    while power(effect, many, level) < POWER:
        if many > MOST_SEEDS:
            return MOST_SEEDS + 1
        few, many = many, min(2 * many, MOST_SEEDS + 1)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if power(effect, middle, level) >= POWER else (middle, many)
    return many


def _moments(values: Sequence[float], size: float) -> tuple[float, float | None]:
    """Mean and sample sd; the sd is 0 where it is rounding in numbers of that size, and None for a single value."""
    if not all(map(math.isfinite, values)):
        raise ValueError(f"a value that is not finite is no result: {list(values)}")
    unit = _unit(size)
    scaled = [value / unit for value in values]
    mean = statistics.fmean(scaled)
    if len(values) == 1:
        return mean * unit, None
    sd = statistics.stdev(scaled)
    return mean * unit, sd * unit if sd > RESOLUTION else 0.0


def _unit(size: float) -> float:
    """A power of two near `size`, to divide by without rounding; squares then neither overflow nor vanish."""
    return math.ldexp(1.0, max(-1021, min(1023, math.frexp(size)[1]))) if size else 1.0
