"""What a variant takes, and which variants are not beaten at it: the Pareto front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.results import SweepResults, VariantResult
from experiments.results.words import MISSING, count, duration

# Costs that differ by less than this share of the largest are said in words instead of drawn.
ALIKE = 0.01


def _megabytes(value: float | None) -> str:
    return MISSING if value is None else f"{count(value)} MB"


@dataclass(frozen=True)
class Cost:
    """Something that a variant takes, less being better. name: of its chart; words: the value as people read it."""

    name: str
    title: str
    pick: Callable[[VariantResult], float | None]
    words: Callable[[float | None], str] = count


COSTS = (
    Cost("parameters", "parameters", lambda row: row.parameters),
    Cost("flops", "training FLOPs", lambda row: row.training_flops),
    Cost("time", "training time (s)", lambda row: row.train_seconds, duration),
    Cost("memory", "peak memory (MB)", lambda row: row.peak_memory_mb, _megabytes),
)


@dataclass(frozen=True)
class Point:
    """A variant at what it costs. front: whether none is both cheaper and better."""

    row: VariantResult
    cost: float
    value: float
    front: bool


def points(results: SweepResults, cost: Cost) -> list[Point]:
    """Every ranked variant whose cost is known, cheapest first."""
    found = [
        (c, row.estimate.mean, row) for row in results.ranked if row.estimate and (c := cost.pick(row)) is not None
    ]
    order = results.plan.metric.order
    found.sort(key=lambda point: (point[0], order(point[1])))
    front = pareto([(c, order(value)) for c, value, _ in found])
    return [Point(row, c, value, place in front) for place, (c, value, row) in enumerate(found)]


def pareto(pairs: Sequence[tuple[float, float]]) -> set[int]:
    """Which of (cost, loss) no other undercuts in one and matches in the other."""
    return {
        place
        for place, (cost, loss) in enumerate(pairs)
        if not any(c <= cost and v <= loss and (c, v) != (cost, loss) for c, v in pairs)
    }


def alike(found: Sequence[Point]) -> bool:
    """Whether these costs are as good as equal, so that there is nothing to trade."""
    most = max((abs(point.cost) for point in found), default=0.0)
    return not found or found[-1].cost - found[0].cost <= ALIKE * most
