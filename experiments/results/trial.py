"""What one trial left behind: its state, its summary and its curves."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.results.lenient import mapping, number, numbers, read_json, text, whole
from experiments.results.origin import Origin, read_origin
from experiments.results.plan import PlannedTrial, Stage

STATUSES = ("pending", "running", "paused", "finished", "failed", "diverged", "interrupted")
TRAINING = 3
"""Training costs so many forward passes, as `experiments.measure` counts them."""
# Ids become folder names: nothing that could lead out of the sweep's folder.
SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Curve:
    """One logged quantity over the steps of a trial; the three tuples have equal length, steps ascend."""

    steps: tuple[int, ...]
    seconds: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Summary:
    """`summary.json`: written once, when a trial has finished. Memory is in MB, time in seconds.

    batches: a digest of all that was trained on, equal for trials that saw the same batches in the same order.
    training_flops: of all the steps that were asked for, counted as a budget counts them.
    """

    metrics: Mapping[str, float]
    best_metrics: Mapping[str, float]
    best_step: int | None
    steps: int | None
    parameters: int | None
    parameters_by_part: Mapping[str, float]
    flops_per_token: float | None
    tokens_per_second: float | None
    train_seconds: float | None
    peak_memory_mb: float | None
    tokens: int | None
    batches: str = ""
    training_flops: float | None = None


@dataclass(frozen=True)
class Trial:
    """One variant with one seed. `summary` is None until it has finished.

    updated: when it last said how far it is (UTC). origin: what it was trained by and on, as far as it is known.
    """

    id: str
    variant: str
    seed: int
    folder: Path
    status: str = "pending"
    reason: str = ""
    step: int = 0
    max_steps: int | None = None
    summary: Summary | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    stage: Stage = "compare"
    tuned: Mapping[str, Any] = field(default_factory=dict)
    updated: str = ""
    origin: Origin = field(default_factory=Origin)

    @property
    def ended_without(self) -> bool:
        """Whether it ended without a result."""
        return self.status in ("failed", "diverged", "interrupted")

    @property
    def finished(self) -> bool:
        return self.status == "finished" and self.summary is not None

    def value(self, metric: str) -> float | None:
        """The metric at the end of training; None unless the trial finished with a finite value."""
        return self.summary.metrics.get(metric) if self.finished and self.summary else None

    @property
    def training_flops(self) -> float | None:
        """FLOPs of the training as far as it went: as a budget counts them, or by tokens where that was not done."""
        found = self.summary
        if found is None:
            return None
        if found.training_flops is not None and found.steps and self.max_steps:
            return found.training_flops * found.steps / self.max_steps
        return TRAINING * found.flops_per_token * found.tokens if found.flops_per_token and found.tokens else None

    def spec_text(self, limit: int = 100_000) -> str:
        """The resolved spec as written; empty where there is none."""
        try:
            with (self.folder / "spec.yaml").open(encoding="utf-8", errors="replace") as file:
                return file.read(limit)
        except OSError:
            return ""


def read_trial(
    root: Path, planned: PlannedTrial, problems: list[str], *, folder: Path | None = None, curves: bool = True
) -> Trial:
    """One trial of the sweep at `root`; whatever cannot be read is described in `problems`.

    Without `curves` the metrics file, the largest of a trial, is left alone.
    """
    if folder is None:
        if not SAFE_ID.fullmatch(planned.id):
            problems.append(f"trial id {planned.id!r} is not a folder name")
            return _untouched(planned, root / "trials", "failed", "unusable trial id")
        folder = root / "trials" / planned.id
    if not folder.is_dir():
        return _untouched(planned, folder)
    found: list[str] = []
    # a trial that was stopped while it was still starting has a folder and no state
    began = (folder / "state.json").exists() or (folder / "summary.json").exists()
    state = (read_json(folder / "state.json", found) if began else {"status": "pending"}) or {}
    raw_summary = read_json(folder / "summary.json", found) if (folder / "summary.json").exists() else None
    summary = read_summary(raw_summary) if raw_summary is not None else None
    status, reason = text(state.get("status")), text(state.get("reason"))
    if raw_summary is not None:
        # The summary is the commit point, so it outranks a state file that was not updated any more.
        status = text(raw_summary.get("status"), "finished")
        reason = text(raw_summary.get("reason")) if "reason" in raw_summary else reason
    elif status == "finished":
        status, reason = "interrupted", "state.json says finished, but there is no readable summary.json"
    if status not in STATUSES:
        status, reason = "interrupted", reason or f"no readable status ({status or 'none'})"
    logged = read_curves(folder / "metrics.csv", found) if curves else {}
    origin = read_origin(folder, raw_summary or {}, found)
    problems.extend(f"trial {planned.id}: {line}" for line in found)
    return Trial(
        id=planned.id,
        variant=planned.variant,
        seed=planned.seed,
        folder=folder,
        status=status,
        reason=reason,
        step=whole(state.get("step")) or 0,
        max_steps=whole(state.get("max_steps")),
        summary=summary,
        curves=logged,
        stage=planned.stage,
        tuned=planned.tuned,
        updated=text(state.get("updated")),
        origin=origin,
    )


def _untouched(planned: PlannedTrial, folder: Path, status: str = "pending", reason: str = "") -> Trial:
    return Trial(
        planned.id, planned.variant, planned.seed, folder, status, reason, stage=planned.stage, tuned=planned.tuned
    )


def read_summary(raw: Mapping[str, object]) -> Summary:
    """The contents of `summary.json`; missing numbers are None."""
    return Summary(
        metrics=numbers(raw.get("metrics")),
        best_metrics=numbers(raw.get("best_metrics")),
        best_step=whole(raw.get("best_step")),
        steps=whole(raw.get("steps")),
        parameters=whole(raw.get("parameters")),
        parameters_by_part=numbers(mapping(raw.get("parameters_by_part"))),
        flops_per_token=number(raw.get("flops_per_token")),
        tokens_per_second=number(raw.get("tokens_per_second")),
        train_seconds=number(raw.get("train_seconds")),
        peak_memory_mb=number(raw.get("peak_memory_mb")),
        tokens=whole(raw.get("tokens")),
        batches=text(raw.get("batches")),
        training_flops=number(raw.get("training_flops")),
    )


def read_curves(path: Path, problems: list[str]) -> dict[str, Curve]:
    """The curves of `metrics.csv` (step,epoch,seconds,name,value), by name.

    A last line without a newline was torn by a crash and is ignored. Where a resumed trial logged a step again,
    the later line counts.
    """
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        problems.append(f"{path.name} cannot be read: {error}")
        return {}
    points: dict[str, dict[int, tuple[float, float]]] = {}
    bad = 0
    whole_lines = content[: content.rfind("\n") + 1].replace("\0", "").splitlines()
    for row in csv.reader(whole_lines):
        if not row or row[0] == "step":
            continue
        try:
            step, _, seconds, name, value = row
            points.setdefault(name, {})[int(step)] = (float(seconds or "nan"), float(value))
        except ValueError:
            bad += 1
    if bad:
        problems.append(f"{path.name} has {bad} unreadable line{'s' if bad > 1 else ''}")
    return {name: _curve(by_step) for name, by_step in points.items()}


def _curve(by_step: Mapping[int, tuple[float, float]]) -> Curve:
    steps = sorted(by_step)
    return Curve(
        steps=tuple(steps),
        seconds=tuple(by_step[step][0] for step in steps),
        values=tuple(value if math.isfinite(value := by_step[step][1]) else math.nan for step in steps),
    )
