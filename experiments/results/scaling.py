"""Quality against size: a power law for each variant, and whether the order of variants changes with size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.results.order import order_changes
from experiments.results.power_law import Law, OffsetLaw, fit
from experiments.results.statistics import Estimate
from experiments.results.variant_result import COSTS, VariantResult

if TYPE_CHECKING:
    from experiments.results.sweep import SweepResults

AGAINST = {"parameters": "parameters", "flops": "training_flops", "seconds": "train_seconds"}
"""What quality is drawn against: its name, and that of the cost."""

HELD = {"parameters": "parameters", "flops": "flops", "time": "seconds"}
"""What a budget holds -> what quality is then not drawn against: what varies of it is a mere mismatch."""


@dataclass(frozen=True)
class ScalingCurve:
    """One variant over its sizes.

    label: the values of the other axes. points: (cost, metric), cheapest first. exponent: of metric ~ cost ** exponent,
    negative for a loss that falls; None where there is none. line: (cost, metric, low, high) of the law that fits best,
    within the measured range. offset: the law with a floor, where four sizes or more show one.
    """

    label: str
    points: tuple[tuple[float, Estimate], ...]
    exponent: Estimate | None
    line: tuple[tuple[float, float, float | None, float | None], ...]
    offset: OffsetLaw | None = None


@dataclass(frozen=True)
class Scaling:
    """axis: that of the sizes. curves: `parameters`, `flops`, `seconds` -> a curve for each variant that has them, but
    for what a budget holds equal.

    order_changes: sentences, one at least.
    """

    axis: str
    curves: Mapping[str, tuple[ScalingCurve, ...]]
    order_changes: tuple[str, ...]


def scaling(results: SweepResults) -> Scaling | None:
    """The curves of a sweep with a size axis of two sizes or more that were trained; else None."""
    axis = results.plan.scaling
    if axis is None or axis not in results.plan.axes:
        return None
    families = families_of(results, axis)
    if not families:
        return None
    curves: dict[str, tuple[ScalingCurve, ...]] = {}
    laws: dict[str, dict[str, Law]] = {}
    held = HELD.get(results.plan.budget.hold) if results.plan.budget else None
    for name, cost in AGAINST.items():
        if name == held:
            continue
        found = {label: _curve(label, family, results, cost) for label, family in families.items()}
        drawn = {label: pair for label, pair in found.items() if pair is not None}
        if drawn:
            curves[name] = tuple(curve for curve, _ in drawn.values())
            laws[name] = {label: law for label, (_, law) in drawn.items() if law is not None}
    by_size = {
        label: {size: results.by_seed(row.label) for size, row in family.items()} for label, family in families.items()
    }
    cost, drawn_laws = next(iter(laws.items()), ("", {}))
    words = order_changes(by_size, results.plan.metric.goal, confidence=results.confidence, cost=cost, laws=drawn_laws)
    return Scaling(axis, curves, words)


def families_of(results: SweepResults, axis: str) -> dict[str, dict[str, VariantResult]]:
    """Values of the other axes -> size -> the variant, where two sizes at least have a value.

    Variants by name that leave an axis unsaid take no part.
    """
    rows = {row.label: row for row in results.ranked}
    found: dict[str, dict[str, VariantResult]] = {}
    for variant in results.plan.variants:
        size = variant.values.get(axis)
        said = all(variant.values.get(other) for other in results.plan.axes)
        if said and size in results.plan.axes[axis] and variant.label in rows:
            label = " / ".join(value for other, value in variant.values.items() if other != axis)
            found.setdefault(label or "all", {}).setdefault(size, rows[variant.label])
    return {label: family for label, family in found.items() if len(family) > 1}


def _curve(
    label: str, family: Mapping[str, VariantResult], results: SweepResults, cost: str
) -> tuple[ScalingCurve, Law | None] | None:
    """The curve against one cost, with its law; None where fewer than two sizes have different known costs."""
    known = [(x, row) for row in family.values() if (x := COSTS[cost](row)) is not None and x > 0]
    known.sort(key=lambda pair: pair[0])
    if len({x for x, _ in known}) < 2:
        return None
    points = tuple((x, row.estimate) for x, row in known if row.estimate is not None)
    values = [results.by_seed(row.label) for _, row in known]
    seeds = sorted(set.intersection(*map(set, values)))
    costs = [x for x, _ in known]
    law = fit(
        costs,
        [[own[seed] for own in values] for seed in seeds],
        floor=results.plan.metric.goal == "minimize",
        confidence=results.confidence,
    )
    if law is None:
        return ScalingCurve(label, points, None, ()), None
    return ScalingCurve(label, points, law.exponent, law.line(), law.offset), law
