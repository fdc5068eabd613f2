"""Power laws of a metric against a cost: fitted for each seed on its own, intervals over the seeds' fits.

metric = factor * cost ** exponent is a line in the logarithms (scipy's linregress). With four sizes or more also
metric = factor * cost ** exponent + floor, as in Hestness et al. 2017, arXiv 1712.00409, by least squares in the
logarithm of the metric (scipy's curve_fit).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.results.statistics import CONFIDENCE, Estimate, estimate

OFFSET_SIZES = 4
"""A law with a floor has three coefficients: fewer sizes say nothing about it."""
STEPS = 32
"""Points of a drawn line."""
STEEPEST = 10.0
Curve = Callable[[float], float]
"""Cost -> metric."""


@dataclass(frozen=True)
class OffsetLaw:
    """metric = factor * cost ** exponent + floor: means over the fits of the seeds; factor is that of the mean fit."""

    factor: float
    exponent: Estimate
    floor: Estimate


@dataclass(frozen=True)
class Law:
    """exponent: of the law without a floor. low, high: the measured range. fits: the better law of each seed."""

    exponent: Estimate
    low: float
    high: float
    offset: OffsetLaw | None
    fits: Sequence[Curve] = field(repr=False)
    confidence: float = CONFIDENCE

    def at(self, cost: float) -> Estimate:
        """The metric at a cost, the geometric mean of the fits, with the interval of that mean."""
        found = estimate([math.log(fit(cost)) for fit in self.fits], confidence=self.confidence)
        assert found is not None
        low, high = (None if end is None else math.exp(min(end, 700.0)) for end in (found.low, found.high))
        return Estimate(found.n, math.exp(found.mean), None, low, high)

    def line(self) -> tuple[tuple[float, float, float | None, float | None], ...]:
        """(cost, metric, low, high) at even steps of the logarithm of the measured range."""
        costs = [self.low * (self.high / self.low) ** (step / (STEPS - 1)) for step in range(STEPS)]
        return tuple((cost, found.mean, found.low, found.high) for cost in costs if (found := self.at(cost)))


def fit(costs: Sequence[float], seeds: Sequence[Sequence[float]], *, floor: bool, confidence: float) -> Law | None:
    """The law through `seeds`, a metric value for each cost; None without seeds or where a value is not positive.

    floor: whether to look for one; it is kept where an F test over all seeds finds the fit better for it.
    """
    from scipy import stats

    if not seeds or min(min(row) for row in seeds) <= 0:
        return None
    logs = [math.log(cost) for cost in costs]
    lines = [stats.linregress(logs, [math.log(value) for value in row]) for row in seeds]
    exponent = estimate([float(line.slope) for line in lines], confidence=confidence)
    assert exponent is not None
    curves = [_power(float(line.slope), float(line.intercept), 0.0) for line in lines]
    offset = _with_floor(costs, seeds, curves, confidence) if floor and len(set(costs)) >= OFFSET_SIZES else None
    law, fits = offset or (None, curves)
    return Law(exponent, min(costs), max(costs), law, fits, confidence)


def _power(exponent: float, log_factor: float, floor: float) -> Curve:
    return lambda cost: math.exp(log_factor + exponent * math.log(cost)) + floor


def _with_floor(
    costs: Sequence[float], seeds: Sequence[Sequence[float]], plain: Sequence[Curve], confidence: float
) -> tuple[OffsetLaw, list[Curve]] | None:
    """The law with a floor; None where it does not converge for every seed or the fit is not better for it."""
    from scipy import stats

    # In units of a middling cost, so that the coefficients are of size one.
    middle = math.exp(sum(map(math.log, costs)) / len(costs))
    found = [_coefficients([cost / middle for cost in costs], row) for row in seeds]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    factors = [log_factor + fall * math.log(middle) for log_factor, fall, _ in known]
    curves = [_power(-fall, factor, base) for factor, (_, fall, base) in zip(factors, known, strict=True)]
    before, after = (_misfit(costs, seeds, fits) for fits in (plain, curves))
    freedom = len(seeds) * (len(costs) - 3)
    if after > 0:
        better = (before - after) / len(seeds) / (after / freedom)
        if float(stats.f.sf(better, len(seeds), freedom)) >= 1 - CONFIDENCE:
            return None
    exponent = estimate([-fall for _, fall, _ in known], confidence=confidence)
    base = estimate([floor for _, _, floor in known], confidence=confidence)
    assert exponent is not None
    assert base is not None
    return OffsetLaw(math.exp(sum(factors) / len(factors)), exponent, base), curves


def _coefficients(costs: Sequence[float], row: Sequence[float]) -> tuple[float, float, float] | None:
    """log(factor), minus the exponent, floor of one seed; None where the fit does not converge."""
    import numpy as np
    from scipy.optimize import OptimizeWarning, curve_fit

    x, y = np.log(costs), np.log(row)
    least = min(row)

    def law(x: Any, log_factor: float, fall: float, floor: float) -> Any:
        return np.log(np.exp(log_factor - fall * x) + floor)

    start = (math.log(max(row) / 2), max(0.05, min(1.0, -2 * float(np.polyfit(x, y, 1)[0]))), least / 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            bounds = ([-np.inf, 0.0, 0.0], [np.inf, STEEPEST, least])
            found, _ = curve_fit(law, x, y, start, bounds=bounds, maxfev=2000)
    except (RuntimeError, ValueError):
        return None
    log_factor, fall, floor = (float(value) for value in found)
    return log_factor, fall, floor


def _misfit(costs: Sequence[float], seeds: Sequence[Sequence[float]], fits: Sequence[Curve]) -> float:
    """The sum of squares that the fits leave, in logarithms."""
    return sum(
        (math.log(value) - math.log(curve(cost))) ** 2
        for row, curve in zip(seeds, fits, strict=True)
        for cost, value in zip(costs, row, strict=True)
    )
