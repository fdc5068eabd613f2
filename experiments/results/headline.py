"""The answer of a sweep in one sentence."""

from __future__ import annotations

from experiments.results.sweep import SweepResults, VariantResult
from experiments.results.words import clean, decimals_for, fixed, interval, shorten, times


def metric_decimals(results: SweepResults) -> int:
    """The decimals that every table of a sweep shows its metric with."""
    return decimals_for(result.estimate.mean for result in results.ranked if result.estimate)


def headline(results: SweepResults) -> str:
    """One sentence: which variant ranks first, by how much, and whether that means anything."""
    metric, ranked = results.plan.metric, results.ranked
    if not ranked or ranked[0].estimate is None:
        return f"No trial has finished yet ({_counts(results)}): nothing can be ranked."
    first, best = ranked[0], ranked[0].estimate
    decimals = metric_decimals(results)
    start = f"{_name(first)} {'ranks first on' if len(ranked) > 1 else 'reached'} {metric.label}"
    if best.low is None:
        value = f"{fixed(best.mean, decimals)} (one seed, so no interval)"
    else:
        value = f"{fixed(best.mean, decimals)} (95 % interval {interval(best, decimals)}, {times(best.n, 'seed')})"
    if len(ranked) == 1:
        return f"{start}: {value}."
    return f"{start} with {value}; {_standing(results, decimals)}."


def _standing(results: SweepResults, decimals: int) -> str:
    """How the first compares with those behind it."""
    first, *others = (result.estimate for result in results.ranked if result.estimate)
    runner_up = f"{_name(results.ranked[1])} ({fixed(others[0].mean, decimals)})"
    overlap = first.overlaps(others[0])
    if overlap is None:
        return f"whether it differs from the runner-up, {runner_up}, cannot be said without more seeds"
    if not overlap:
        return f"its interval lies clear of that of the runner-up, {runner_up}"
    alike = sum(1 for other in others if first.overlaps(other))
    if alike == 1:
        return f"not clearly different from {runner_up}, whose interval overlaps"
    them = f"all {alike} others" if alike == len(others) else f"{alike} of the {len(others)} others"
    return f"not clearly different from {runner_up}: the intervals of {them} overlap it"


def _name(result: VariantResult) -> str:
    return shorten(clean(result.label), 60)


def _counts(results: SweepResults) -> str:
    return ", ".join(f"{number} {status}" for status, number in results.counts.items()) or "no trials"
