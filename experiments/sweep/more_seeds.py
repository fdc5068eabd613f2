"""How many seeds each variant needs until its interval is narrow enough; decided from numbers alone.

A group-sequential scheme: results are looked at after numbers of seeds that were set beforehand, and every look is a
chance to be fooled, so with k looks each interval has the confidence 1 - 0.05 / k (Bonferroni; Jennison and Turnbull
1999, Group Sequential Methods, chapter 9, on intervals that hold whatever makes one stop).
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from functools import lru_cache

from experiments.results.plan import Metric
from experiments.results.statistics import CONFIDENCE, FEWEST_SEEDS, estimate
from experiments.sweep_options import AutoSeeds, looks

Results = Sequence[float | None]
"""What a variant scored with its first, second ... seed, as far as known; None for a trial that gave no number."""

SHARE = 0.01
"""The default width, as a share of what the intervals are about."""


def confidence(auto: AutoSeeds) -> float:
    """Of each interval, so that all looks together keep `CONFIDENCE`."""
    return 1 - (1 - CONFIDENCE) / len(looks(auto))


def seeds_wanted(
    results: Mapping[str, Results], baseline: str | None, auto: AutoSeeds, metric: Metric
) -> dict[str, int]:
    """How many seeds each variant should have by now: a function of the results, whatever order they came in.

    Results beyond what a variant was wanted with are not looked at, so that of complete results it tells the end.

    results: label of a variant -> its results; `baseline` is one of the labels, and intervals are then those of the
    differences from it, paired on the seed.
    """
    steps = looks(auto)
    wanted = dict.fromkeys(results, steps[0])
    judged = [label for label in results if label != baseline]
    if not judged:
        # a baseline by itself has nothing to differ from
        judged, baseline = list(results), None
    others = None if baseline is None else results[baseline]
    width = auto.width
    if width is None:
        pool = results.values() if others is None else [others]
        if any(len(values) < steps[0] for values in pool):
            return wanted
        width = _default_width([values[: steps[0]] for values in pool], metric)
    for label, (here, more) in itertools.product(judged, itertools.pairwise(steps)):
        if wanted[label] < here or len(results[label]) < here or (others is not None and len(others) < here):
            continue
        numbers = _numbers(results[label][:here], None if others is None else others[:here])
        half = _half_width(numbers, confidence(auto))
        if half is None or width is None or half > width:
            wanted[label] = more
    if baseline is not None:
        wanted[baseline] = max(wanted.values())
    return wanted


def _default_width(results: list[Results], metric: Metric) -> float | None:
    """A share of the best mean; None where there is not a single number."""
    means = [statistics.fmean(numbers) for values in results if (numbers := _numbers(values, None))]
    best = min(means, key=metric.order, default=None)
    return None if best is None else SHARE * abs(best)


def _numbers(values: Results, others: Results | None) -> tuple[float, ...]:
    """The values, or their differences from the others of the same seed, where there are any."""
    if others is None:
        return tuple(value for value in values if value is not None)
    pairs = zip(values, others, strict=True)
    return tuple(value - other for value, other in pairs if value is not None and other is not None)


@lru_cache(maxsize=10_000)
def _half_width(numbers: tuple[float, ...], confidence: float) -> float | None:
    """Half of the t interval of the mean; None for fewer numbers than a verdict needs."""
    found = estimate(numbers, confidence=confidence) if len(numbers) >= FEWEST_SEEDS else None
    return None if found is None else found.half_width
