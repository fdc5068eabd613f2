"""What a table and a chart show of a variant: a mean, its interval, and the seeds; and the stretch of axis for all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from experiments.results import SweepResults, VariantResult


@dataclass(frozen=True)
class Spread:
    """low, high: of the 95 % interval, None with too few seeds. seeds: one value for each, unordered.

    inner: of a difference, the interval that is not corrected for the number of comparisons.
    """

    row: VariantResult
    mean: float
    low: float | None
    high: float | None
    seeds: tuple[float, ...]
    inner: tuple[float, float] | None = None


def means(results: SweepResults) -> list[Spread]:
    """Of the metric, for every ranked variant."""
    return [
        Spread(row, row.estimate.mean, row.estimate.low, row.estimate.high, tuple(results.by_seed(row.label).values()))
        for row in results.ranked
        if row.estimate
    ]


def differences(results: SweepResults) -> list[Spread]:
    """From the baseline, paired on the seed, for every ranked variant but the baseline itself.

    The interval is the one that agrees with the verdict, corrected for the number of comparisons.
    """
    baseline = results.baseline
    start = results.by_seed(baseline.label) if baseline else {}
    found = []
    for row in results.ranked:
        if (gap := row.difference) is not None:
            own = results.by_seed(row.label)
            seeds = tuple(own[seed] - start[seed] for seed in sorted(own.keys() & start.keys()))
            inner = None if gap.low is None or gap.high is None else (gap.low, gap.high)
            low, high = (gap.low, gap.high) if gap.low_all is None else (gap.low_all, gap.high_all)
            found.append(Spread(row, gap.mean, low, high, seeds, inner))
    return found


def stretch(spreads: Iterable[Spread], also: Iterable[float] = ()) -> tuple[float, float]:
    """The part of the axis that is shown: every seed, what is nearby of `also`, intervals as far as it stays legible.

    Intervals of two seeds are so wide that showing all of one would squeeze everything else together.
    """
    shown = list(spreads)
    points = [value for spread in shown for value in (spread.mean, *spread.seeds)]
    low, high = min(points), max(points)
    span = (high - low) or abs(high) * 0.1 or 1.0
    near = [value for value in also if low - span <= value <= high + span]
    low, high = min([low, *near]), max([high, *near])
    lowest = min([low, *(spread.low for spread in shown if spread.low is not None)])
    highest = max([high, *(spread.high for spread in shown if spread.high is not None)])
    return max(lowest, low - 0.35 * span) - 0.05 * span, min(highest, high + 0.35 * span) + 0.05 * span
