"""How each variant's settings were chosen: what was tried, how it scored, what was taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.report.bars import Bar, bar
from experiments.results import SweepResults, Trial
from experiments.results.words import clean, shorten


@dataclass(frozen=True)
class Tuned:
    """A variant: its place in the plan, how many tries it had, how many gave a score, the best, and what was chosen."""

    label: str
    place: int
    tries: int
    scored: int
    best: float | None
    chosen: str
    bar: Bar | None


@dataclass(frozen=True)
class Tuning:
    """metric: what tries are scored by."""

    metric: str
    rows: tuple[Tuned, ...]


def tuning(results: SweepResults) -> Tuning | None:
    """None for a sweep without tries."""
    tries = [trial for trial in results.trials if trial.stage == "tune"]
    if not tries:
        return None
    # what is tuned is chosen on validation data and reported on test data
    name = results.plan.metric.name.replace("test/", "valid/", 1)
    order = results.plan.metric.order
    scores = {trial.id: value for trial in tries if (value := trial.value(name)) is not None}
    window = (min(scores.values()), max(scores.values())) if scores else (0.0, 1.0)
    rows = []
    for place, variant in enumerate(results.plan.variants):
        own = [trial for trial in tries if trial.variant == variant.label]
        found = sorted((scores[trial.id] for trial in own if trial.id in scores), key=order)
        chosen = _chosen(results, variant.label)
        if own:
            shown = bar(found[0], None, None, found, window) if found else None
            best = found[0] if found else None
            rows.append(Tuned(variant.label, place, len(own), len(found), best, settings(chosen), shown))
    return Tuning(name, tuple(rows))


def _chosen(results: SweepResults, label: str) -> Mapping[str, Any]:
    compared: list[Trial] = [trial for trial in results.trials if trial.variant == label and trial.stage == "compare"]
    return next((trial.tuned for trial in compared if trial.tuned), {})


def settings(chosen: Mapping[str, Any]) -> str:
    """`optimizer.lr 0.002, schedule.warmup 100`."""
    words = (f"{clean(path)} {shorten(clean(_value(value)), 40)}" for path, value in chosen.items())
    return ", ".join(words)


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
