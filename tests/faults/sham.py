"""Sweeps whose trials only pretend to train, for faults of everything around the training."""

from __future__ import annotations

import json
import multiprocessing.forkserver
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from acts import act

from experiments.results.plan import Metric
from experiments.sweep.coordinate import Orders, run_sweep
from experiments.sweep.ledger import Ledger
from experiments.sweep.local import LocalEngine
from experiments.sweep.outcome import Outcome
from experiments.sweep.plan import Variant
from experiments.sweep.plan_file import SETTLED
from experiments.sweep.trials import Trial
from experiments.sweep_options import Limits

METRIC = Metric("valid/loss")


class Rounds:
    """Wants a trial for each act: what it does instead of training, such as "finish" or "sleep 3"."""

    troubles: Mapping[str, str] = {}

    def __init__(self, acts: Sequence[str]) -> None:
        self.trials = [
            Trial(
                id=f"{number:04}",
                variant=Variant(f"variant {number}", {"axis": str(number)}),
                seed=0,
                spec={"seed": 0, "act": act, "trainer": {"devices": 1}},
                data=SimpleNamespace(),  # type: ignore[arg-type]
            )
            for number, act in enumerate(acts)
        ]

    def wanted(self, outcomes: Mapping[str, Outcome]) -> list[Trial]:
        return self.trials


def describe(wanted: Sequence[Trial]) -> dict[str, Any]:
    """A plan.json with these trials."""
    return {
        **dict.fromkeys(SETTLED),
        "schema_version": 2,
        "name": "sham",
        "metric": vars(METRIC),
        "axes": {"axis": [trial.variant.values["axis"] for trial in wanted]},
        "seeds": [0],
        "variants": [{"label": t.variant.label, "values": dict(t.variant.values), "settings": {}} for t in wanted],
        "trials": [{"id": t.id, "variant": t.variant.label, "seed": t.seed, "stage": t.stage} for t in wanted],
    }


def sham_sweep(folder: Path, acts: Sequence[str], workers: int = 2, **options: Any) -> int:
    """Run a sweep of trials that do these things; its exit code. options: limits, and those of Orders."""
    folder.mkdir(parents=True, exist_ok=True)
    limits = Limits(**options.pop("limits", {}))
    engine = options.pop("engine", lambda: LocalEngine(workers, body=act))
    orders = Orders(METRIC, limits, (), describe, engine, **options)
    return run_sweep(folder, Ledger(folder, Rounds(acts)), orders)


def statuses(folder: Path) -> list[str]:
    """What the folders of the trials say, in order."""
    return [json.loads(path.read_text())["status"] for path in sorted(folder.glob("trials/*/state.json"))]


def server() -> int:
    """The process that trials are forked from."""
    pid = multiprocessing.forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    assert isinstance(pid, int)
    return pid
