"""Learning curves over seeds: the mean, its interval where there are seeds enough, and what may stand on the x axis."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.results import Curve, SweepResults, Trial, VariantResult
from experiments.results.statistics import CONFIDENCE, FEWEST_SEEDS

MOST_POINTS, FEWEST_POINTS = 120, 30
# What all curves of one kind may come to: a page with a hundred trials stays light.
ALL_POINTS = 6_000
X_AXES = {"step": "step", "seconds": "training time (s)", "flops": "training FLOPs"}


@dataclass(frozen=True)
class Line:
    """One quantity of one trial, thinned: steps, seconds of training, values."""

    steps: tuple[float, ...]
    seconds: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Band:
    """One quantity of one variant. mean: over the seeds, at the steps that all of them logged.

    low, high: the 95 % t interval at each step; None with fewer than FEWEST_SEEDS, where it says nothing. singles: the
    seeds. per_step: FLOPs of training in one step, None where unknown.
    """

    row: VariantResult
    mean: Line
    low: tuple[float, ...] | None
    high: tuple[float, ...] | None
    singles: tuple[Line, ...]
    per_step: float | None


def bands(results: SweepResults, name: str) -> list[Band]:
    """A band for every variant that logged the quantity `name`, in the order of the plan."""
    places = {variant.label: place for place, variant in enumerate(results.plan.variants)}
    shown = [row for row in results.ranking if any(name in trial.curves for trial in row.trials)]
    shown.sort(key=lambda row: places[row.label])
    most = max(FEWEST_POINTS, min(MOST_POINTS, ALL_POINTS // max(1, sum(len(row.trials) for row in shown))))
    found = (_band(row, name, most) for row in shown)
    return [band for band in found if band is not None]


def x_axes(curves: Sequence[Band]) -> list[str]:
    """Which of X_AXES all of these know."""
    known = ["step"]
    if all(math.isfinite(second) for band in curves for line in (band.mean, *band.singles) for second in line.seconds):
        known.append("seconds")
    if all(band.per_step for band in curves):
        known.append("flops")
    return known


def window(curves: Sequence[Band]) -> tuple[float, float]:
    """The values from two fifths of the way on: the first steps would flatten all that follows."""
    late = [value for band in curves for value in band.mean.values[2 * len(band.mean.values) // 5 :]]
    low, high = min(late), max(late)
    pad = 0.05 * ((high - low) or abs(high) or 1.0)
    return low - pad, high + pad


def thin(curve: Curve, most: int = MOST_POINTS) -> Line:
    """At most `most` points: means of equal runs of neighbours. What is not a number is left out."""
    points = [p for p in zip(curve.steps, curve.seconds, curve.values, strict=True) if math.isfinite(p[2])]
    size = math.ceil(len(points) / most) or 1
    runs = [points[start : start + size] for start in range(0, len(points), size)]
    columns = [tuple(statistics.fmean(point[column] for point in run) for run in runs) for column in range(3)]
    return Line(columns[0], columns[1], columns[2])


def _band(row: VariantResult, name: str, most: int) -> Band | None:
    singles = [thin(trial.curves[name], most) for trial in _trials(row, name)]
    shared = sorted(set.intersection(*(set(line.steps) for line in singles))) if singles else []
    if not shared:
        return None
    at = [dict(zip(line.steps, zip(line.seconds, line.values, strict=True), strict=True)) for line in singles]
    values = np.array([[line[step][1] for step in shared] for line in at])
    seconds = tuple(statistics.fmean(line[step][0] for line in at) for step in shared)
    means = values.mean(axis=0)
    mean = Line(tuple(shared), seconds, tuple(means.tolist()))
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    if len(singles) >= FEWEST_SEEDS:
        from scipy import stats

        spread = values.std(axis=0, ddof=1) / math.sqrt(len(singles))
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(singles) - 1)) * spread
        low, high = tuple((means - half).tolist()), tuple((means + half).tolist())
    return Band(row, mean, low, high, tuple(singles), _flops_per_step(row))


def _trials(row: VariantResult, name: str) -> list[Trial]:
    """Those that finished; while none has, those still on their way: a broken one would bend the mean."""
    having = [trial for trial in row.trials if name in trial.curves]
    finished = [trial for trial in having if trial.finished]
    return finished or [trial for trial in having if trial.status not in ("failed", "diverged")]


def _flops_per_step(row: VariantResult) -> float | None:
    """Training FLOPs of a step, from what the summaries say of a token."""
    total = row.training_flops
    steps = [trial.summary.steps for trial in row.finished if trial.summary and trial.summary.steps]
    return total / statistics.fmean(steps) if total and steps else None
