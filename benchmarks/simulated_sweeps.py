"""Sweeps whose truth is known, made of numbers: nothing is trained and nothing is read from disk."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments.results import Metric, Plan, PlannedTrial, Summary, SweepResults, Trial, Variant

METRIC = "valid/loss"
SHARED, OWN = 1.0, 1.0
"""Standard deviations of what a seed does to all variants alike, and to each by itself."""

Generator = np.random.Generator
Values = Mapping[str, Mapping[int, float | str]]
"""Label of a variant -> seed -> its metric, or the status that its trial ended with instead."""


def sweep_of(
    values: Values,
    *,
    axes: Mapping[str, Sequence[str]] | None = None,
    baseline: str | None = None,
    goal: Literal["minimize", "maximize"] = "minimize",
    costs: Mapping[str, Mapping[str, Any]] | None = None,
    **plan: Any,
) -> SweepResults:
    """The results of a sweep.

    Labels are values of the axes, joined by ` / `. costs: label -> fields of its summaries. plan: further facts of it.
    """
    axes = axes or {"variant": tuple(values)}
    variants = tuple(
        Variant(label, dict(zip(axes, label.split(" / ") if len(axes) > 1 else [label], strict=True)))
        for label in values
    )
    pairs = [(label, seed, found) for label, own in values.items() for seed, found in own.items()]
    trials = tuple(
        _trial(number, label, seed, found, (costs or {}).get(label, {}))
        for number, (label, seed, found) in enumerate(pairs)
    )
    planned = tuple(PlannedTrial(trial.id, trial.variant, trial.seed) for trial in trials)
    settled = Plan(
        "simulated",
        Metric(METRIC, goal),
        axes={axis: tuple(labels) for axis, labels in axes.items()},
        variants=variants,
        trials=planned,
        seeds=tuple(dict.fromkeys(seed for _, seed, _ in pairs)),
        baseline_label=baseline,
    )
    return SweepResults(Path(), replace(settled, **plan), trials)


def _trial(number: int, label: str, seed: int, found: float | str, facts: Mapping[str, Any]) -> Trial:
    name = f"t{number}"
    if isinstance(found, str):
        return Trial(name, label, seed, Path(), found, "as it was made")
    finite = {METRIC: found} if math.isfinite(found) else {}
    empty = dict.fromkeys(Summary.__dataclass_fields__)
    summary = Summary(
        **{**empty, "metrics": finite, "best_metrics": {}, "parameters_by_part": {}, "batches": "", **facts}
    )
    return Trial(name, label, seed, Path(), "finished", summary=summary)


def normal(rng: Generator, shape: tuple[int, ...]) -> Any:
    return rng.standard_normal(shape)


def skewed(rng: Generator, shape: tuple[int, ...]) -> Any:
    """Lognormal (skewness 1.75), mean 0 and standard deviation 1."""
    s = 0.5
    spread = math.sqrt((math.exp(s**2) - 1) * math.exp(s**2))
    return (rng.lognormal(0.0, s, shape) - math.exp(s**2 / 2)) / spread


def heavy(rng: Generator, shape: tuple[int, ...]) -> Any:
    """Student's t with 3 degrees of freedom, scaled to a standard deviation of 1."""
    return rng.standard_t(3, shape) / math.sqrt(3)


SHAPES: dict[str, Callable[[Generator, tuple[int, ...]], Any]] = {
    "normal": normal,
    "skewed": skewed,
    "heavy-tailed": heavy,
}
"""What the seeds do to the metric."""


def by_seed(row: Any) -> dict[int, float]:
    return dict(enumerate(map(float, row)))


def runs(rng: Generator, variants: int, seeds: int, shape: str = "normal") -> list[dict[int, float]]:
    """Values of equal variants: what the seed does to all, and what it does to each."""
    own = OWN * SHAPES[shape](rng, (variants, seeds))
    return [by_seed(row) for row in own + SHARED * SHAPES["normal"](rng, (1, seeds))]
