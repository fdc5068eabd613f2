"""Intervals as small pictures inside a table: plain numbers for SVG attributes, which a strict policy lets through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from experiments.report.spread import means, stretch
from experiments.results import SweepResults

WIDTH, HEIGHT, EDGE = 120, 16, 5


@dataclass(frozen=True)
class Bar:
    """Places in pixels from the left. low, high: of the interval, None without one; open ends run out of the picture.

    mark: of the value to compare with, None where it lies outside.
    """

    dot: float
    low: float | None
    high: float | None
    ticks: tuple[float, ...]
    mark: float | None


def bar(
    mean: float,
    low: float | None,
    high: float | None,
    seeds: Iterable[float],
    window: tuple[float, float],
    mark: float | None = None,
) -> Bar:
    """A mean, its interval and the seeds on an axis that shows `window`."""

    def place(value: float) -> float:
        share = (value - window[0]) / ((window[1] - window[0]) or 1.0)
        return round(min(max(EDGE + share * (WIDTH - 2 * EDGE), 0.0), WIDTH), 1)

    inside = mark is not None and window[0] <= mark <= window[1]
    return Bar(
        place(mean),
        None if low is None else place(low),
        None if high is None else place(high),
        tuple(map(place, seeds)),
        place(mark) if mark is not None and inside else None,
    )


def metric_bars(results: SweepResults) -> dict[str, Bar]:
    """A bar for every ranked variant, by label; the mark is the baseline."""
    spreads = means(results)
    if not spreads:
        return {}
    window = stretch(spreads, [reference.value for reference in results.references])
    mark = results.baseline.estimate.mean if results.baseline and results.baseline.estimate else None
    return {s.row.label: bar(s.mean, s.low, s.high, s.seeds, window, mark) for s in spreads}
