"""From the files of a sweep to rows: what the database says is what the readers of folders say."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.results.plan import Plan, PlannedTrial
from experiments.results.trial import SAFE_ID, Trial

Row = dict[str, Any]

FILES = ("summary.json", "state.json", "metrics.csv", "provenance.json")
_LARGEST = 2**63 - 1


def stamp(root: Path, trial: str) -> str:
    """Changes when one of a trial's files does; "" as long as there is none of them."""
    if not SAFE_ID.fullmatch(trial):
        return ""
    found = [_file_stamp(root / "trials" / trial / name) for name in FILES]
    return " ".join(found) if any(found) else ""


def _file_stamp(path: Path) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{path.name}:{status.st_size}:{status.st_mtime_ns}"


def sweep_row(plan: Plan, raw: Mapping[str, Any]) -> Row:
    return {
        "name": plain(plan.name),
        "spec": plain(plan.spec_file),
        "command": plain(plan.command),
        "created": plain(plan.created),
        "metric": plain(plan.metric.name),
        "goal": plan.metric.goal,
        "plan": as_json(raw),
    }


def variant_rows(plan: Plan) -> list[Row]:
    return [
        {
            "label": plain(variant.label),
            "place": place,
            "baseline": int(plan.is_baseline(variant)),
            "settings": as_json(variant.settings),
            "held": as_json(vars(variant.held)) if variant.held else None,
        }
        for place, variant in enumerate(plan.variants)
    ]


def axis_rows(plan: Plan) -> list[Row]:
    places = {path: place for place, path in enumerate(plan.axes)}
    return [
        {
            "variant": plain(variant.label),
            "path": plain(path),
            "place": places.get(path, len(places)),
            "value": plain(value),
        }
        for variant in plan.variants
        for path, value in variant.values.items()
    ]


def trial_row(trial: Trial, place: int, stamp: str) -> Row:
    """All columns of the table `trial`."""
    found, origin = trial.summary, trial.origin
    return {
        "id": plain(trial.id),
        "place": place,
        "variant": plain(trial.variant),
        "seed": integer(trial.seed) or 0,
        "stage": trial.stage,
        "tuned": as_json(trial.tuned),
        "status": trial.status,
        "reason": plain(trial.reason),
        "attempts": integer(origin.number),
        "step": integer((found.steps if found else None) or trial.step) or 0,
        "max_steps": integer(trial.max_steps),
        "started": plain(origin.started) or None,
        "ended": plain(origin.ended or trial.updated) or None if has_ended(trial) else None,
        "train_seconds": found.train_seconds if found else None,
        "wall_seconds": origin.wall_seconds,
        "parameters": integer(found.parameters) if found else None,
        "flops_per_token": found.flops_per_token if found else None,
        "tokens": integer(found.tokens) if found else None,
        "tokens_per_second": found.tokens_per_second if found else None,
        "peak_memory_mb": (found.peak_memory_mb if found else None) or origin.peak_memory_mb,
        "best_step": integer(found.best_step) if found else None,
        "batches": plain(found.batches) or None if found else None,
        "environment": as_json(origin.environment),
        "stamp": stamp,
    }


def has_ended(trial: Trial) -> bool:
    return trial.finished or trial.ended_without


def planned_row(trial: PlannedTrial, place: int) -> Row:
    """A trial that has not begun."""
    return trial_row(
        Trial(trial.id, trial.variant, trial.seed, Path(), stage=trial.stage, tuned=trial.tuned), place, ""
    )


def metric_rows(trial: Trial) -> Iterable[Row]:
    for name, curve in trial.curves.items():
        for step, seconds, value in zip(curve.steps, curve.seconds, curve.values, strict=True):
            if (at := integer(step)) is not None:
                row = {"name": plain(name), "step": at, "seconds": finite(seconds), "value": finite(value)}
                yield {"trial": plain(trial.id), **row}


def number_rows(trial: Trial, metrics: Mapping[str, float]) -> list[Row]:
    """Rows of `final` and of `best`."""
    return [{"trial": plain(trial.id), "name": plain(name), "value": value} for name, value in metrics.items()]


def plain(text: str) -> str:
    """Text that SQLite can keep: half of a surrogate pair is no character, and text ends at a zero for many readers."""
    return text.encode("utf-8", errors="replace").decode().replace("\0", " ")


def integer(value: int | None) -> int | None:
    """A whole number that fits; None otherwise."""
    return value if value is not None and abs(value) <= _LARGEST else None


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def as_json(value: Mapping[str, Any]) -> str:
    return plain(json.dumps(value, ensure_ascii=False, default=str))
