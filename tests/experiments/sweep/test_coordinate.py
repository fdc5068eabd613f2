"""What the coordinator makes of the ends that an engine tells, without any process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.atomic import write_json
from experiments.results.plan import Metric
from experiments.sweep import lineup
from experiments.sweep.coordinate import Orders, run_sweep
from experiments.sweep.engine import Event, Job
from experiments.sweep.ledger import Ledger, mark
from experiments.sweep.outcome import Outcome
from experiments.sweep.plan import Variant
from experiments.sweep.plan_file import SETTLED
from experiments.sweep.trials import Trial
from experiments.sweep_options import Limits

METRIC = Metric("valid/loss")


class Rounds:
    """Wants the trials a and b."""

    troubles: dict[str, str]

    def __init__(self) -> None:
        self.troubles = {}
        spec = {"seed": 0, "trainer": {"devices": 1}}
        self.trials = [Trial(name, Variant(name, {}), 0, spec, SimpleNamespace()) for name in "ab"]  # type: ignore[arg-type]

    def wanted(self, outcomes: Mapping[str, Outcome]) -> list[Trial]:
        return self.trials


class LosesRanks:
    """An engine in which another process of trial `a` is lost, so many times, as the trial notes itself."""

    slots = 2

    def __init__(self, times: int) -> None:
        self.running: dict[str, Job] = {}
        self.begun: list[str] = []
        self._times = times

    @property
    def free(self) -> int:
        return self.slots - len(self.running)

    def start(self, job: Job) -> None:
        self.begun.append(job.id)
        self.running[job.id] = job

    def events(self, timeout: float) -> Iterator[tuple[Job, Event]]:
        for job in list(self.running.values()):
            del self.running[job.id]
            yield job, self._end(job)

    def pass_on(self, signals: Sequence[int]) -> None: ...

    def close(self) -> None: ...

    def _end(self, job: Job) -> Event:
        if job.id == "a" and self.begun.count("a") <= self._times:
            mark(job.folder, "failed", "rank 1 was killed by SIGKILL")
            return {"event": "lost", "reason": "rank 1 was killed by SIGKILL"}
        job.folder.mkdir(parents=True, exist_ok=True)
        summary = {"status": "finished", "metrics": {METRIC.name: 1.0}, "steps": 1, "seed": 0}
        write_json(job.folder / "summary.json", summary)
        return {"event": "summary", "summary": summary}


def describe(wanted: Sequence[Trial]) -> dict[str, Any]:
    return {
        **dict.fromkeys(SETTLED),
        "schema_version": 2,
        "name": "two",
        "metric": vars(METRIC),
        "seeds": [0],
        "variants": [{"label": trial.variant.label} for trial in wanted],
        "trials": [{"id": trial.id, "variant": trial.variant.label, "seed": 0} for trial in wanted],
    }


def sweep(folder: Path, engine: LosesRanks) -> int:
    orders = Orders(METRIC, Limits(retries=1), (), describe, lambda: engine)
    return run_sweep(folder, Ledger(folder, Rounds()), orders)


def test_a_trial_that_waits_for_its_next_attempt_has_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineup, "_FIRST_WAIT", 0.0)
    # b ends while a waits, and what is wanted is looked at again
    engine = LosesRanks(1)
    assert sweep(tmp_path, engine) == 0
    assert engine.begun == ["a", "b", "a"]
    assert Ledger(tmp_path, Rounds()).left == []


def test_a_trial_that_was_lost_too_often_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineup, "_FIRST_WAIT", 0.0)
    engine = LosesRanks(2)
    assert sweep(tmp_path, engine) == 3
    assert engine.begun == ["a", "b", "a"]
    found = Ledger(tmp_path, Rounds()).outcomes["a"]
    assert (found.status, found.reason) == ("failed", "rank 1 was killed by SIGKILL, 2 times")
