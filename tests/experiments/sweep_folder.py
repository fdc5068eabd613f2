"""Folders of sweeps as training leaves them, for tests of what reads them: made in no time, and small."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

METRIC = "valid/loss"
VALUES = {"full": 2.0, "local": 2.5}
LABELS = tuple(f"{attention} / {position}" for attention in VALUES for position in ("rotary", "alibi"))
STARTED = "2026-11-22T10:00:00+00:00"
ENDED = "2026-11-22T10:01:00+00:00"


def write_sweep(folder: Path, seeds: Sequence[int] = (0, 1), done: int | None = None, **changed: Any) -> Path:
    """A sweep of four variants; its first `done` trials (all) have finished, the others not begun.

    Trials are called t0, t1, ... seed by seed, and seed s of a variant ends s hundredths above its value.
    """
    plan = plan_of(seeds) | changed
    folder.mkdir(parents=True)
    write_json(folder / "plan.json", plan)
    for number, trial in enumerate(plan["trials"]):
        if done is None or number < done:
            finish(folder, trial)
    return folder


def plan_of(seeds: Sequence[int] = (0, 1)) -> dict[str, Any]:
    trials = [(label, seed) for seed in seeds for label in LABELS]
    return {
        "schema_version": 2,
        "name": "attention",
        "spec_file": "attention.yaml",
        "command": "swapformer sweep attention.yaml",
        "created": STARTED,
        "metric": {"name": METRIC, "goal": "minimize"},
        "axes": {"model.position": ["rotary", "alibi"], "model.attention": list(VALUES)},
        "baseline": {"model.attention": "full", "model.position": "rotary"},
        "seeds": list(seeds),
        "variants": [{"label": label, "values": values_of(label), "settings": values_of(label)} for label in LABELS],
        "trials": [{"id": f"t{n}", "variant": label, "seed": seed} for n, (label, seed) in enumerate(trials)],
        "environment": {"torch": "2.13.0", "cores": 2},
    }


def values_of(label: str) -> dict[str, str]:
    attention, position = label.split(" / ")
    return {"model.position": position, "model.attention": attention}


def value_of(trial: Mapping[str, Any]) -> float:
    attention, position = str(trial["variant"]).split(" / ")
    return round(VALUES[attention] + 0.1 * (position == "alibi") + 0.01 * trial["seed"], 4)


def finish(folder: Path, trial: Mapping[str, Any], **changed: Any) -> Path:
    """What a finished trial leaves in its folder. changed: of its summary."""
    home = begin(folder, trial, step=40, status="finished")
    value = value_of(trial)
    summary = {
        "status": "finished",
        "reason": None,
        "metrics": {METRIC: value, "valid/accuracy": 0.5},
        "best_metrics": {METRIC: value},
        "best_step": 40,
        "steps": 40,
        "seed": trial["seed"],
        "parameters": 1000 if "full" in trial["variant"] else 900,
        "flops_per_token": 2000.0,
        "tokens": 4096,
        "tokens_per_second": 512.0,
        "train_seconds": 8.0,
        "peak_memory_mb": 300.5,
        "batches": "abc123",
    }
    attempts = [{"started": STARTED, "ended": ENDED, "seconds": 60.0, "peak_memory_mb": 310.0, "status": "finished"}]
    write_json(home / "provenance.json", {"environment": {"torch": "2.13.0", "cores": 2}, "attempts": attempts})
    write_json(home / "summary.json", summary | changed)
    return home


def begin(folder: Path, trial: Mapping[str, Any], step: int = 20, status: str = "running", reason: str = "") -> Path:
    """What a trial that has come to a step leaves: state, spec, and a curve of the loss."""
    home = folder / "trials" / trial["id"]
    home.mkdir(parents=True, exist_ok=True)
    state = {"status": status, "reason": reason or None, "step": step, "max_steps": 40, "updated": ENDED}
    write_json(home / "state.json", state)
    attention, position = str(trial["variant"]).split(" / ")
    spec = f"model:\n  attention: {{kind: {attention}}}\n  position: {{kind: {position}}}\n  dim: 64\n"
    (home / "spec.yaml").write_text(f"{spec}seed: {trial['seed']}\n")
    lines = [f"{at},0,{at / 10},train/loss,{4 - at / 20}" for at in range(10, step + 1, 10)]
    (home / "metrics.csv").write_text("\n".join(["step,epoch,seconds,name,value", *lines]) + "\n")
    return home


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))
