"""A sweep from its plan to its last trial: what is done is kept, what is left is trained."""

from __future__ import annotations

import json
import os
import platform
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import FileLock, Timeout

from experiments.display.events import TrialFailed, TrialFinished, TrialProgress, TrialStarted
from experiments.display.live import LiveSweep
from experiments.making import filled, make_data, require_training, trial_id
from experiments.results.plan import Metric
from experiments.sweep.engine import Engine
from experiments.sweep.plan import SweepPlan, Variant
from experiments.sweep.worker import Job
from experiments.training.atomic import write_json
from experiments.training.errors import Busy
from experiments.training.trial import read_summary
from registry.load import Loaded


@dataclass(frozen=True)
class Trial:
    """One variant with one seed, ready to be trained."""

    id: str
    variant: Variant
    seed: int
    spec: dict[str, Any]


def prepare(loaded: Loaded, plan: SweepPlan) -> list[Trial]:
    """The trials with everything that the data know filled in; reads and checks the data. Raises SpecError, BadData."""
    trials = []
    known: dict[str, Any] = {}
    for variant, seed in plan.trials:
        spec = variant.specs[seed]
        require_training(spec)
        key = json.dumps(spec["data"], sort_keys=True)
        if key not in known:
            known[key] = make_data(spec, loaded.catalog)
            known[key].prepare()
        spec = filled(spec, known[key])
        trials.append(Trial(trial_id(spec), variant, seed, spec))
    return trials


def describe_plan(folder: Path, loaded: Loaded, plan: SweepPlan, trials: list[Trial], spec_file: str) -> dict[str, Any]:
    """What `plan.json` says: all that a reader of the results needs to know of the sweep."""
    data = make_data(trials[0].spec, loaded.catalog)
    data.prepare()
    return {
        "schema_version": 1,
        "name": folder.name,
        "spec_file": spec_file,
        "command": shlex.join(["swapformer", *sys.argv[1:]]),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "metric": loaded.full["metric"],
        "axes": plan.axes,
        "baseline": plan.baseline,
        "seeds": list(plan.seeds),
        "variants": [{"label": v.label, "values": v.values} for v in plan.variants],
        "trials": [{"id": t.id, "variant": t.variant.label, "seed": t.seed} for t in trials],
        "left_out": [asdict(item) for item in plan.left_out],
        "references": [asdict(r) for r in data.references()],
        "data": data.about(),
        "environment": environment(),
    }


def write_plan(folder: Path, content: dict[str, Any]) -> None:
    """Write `plan.json`."""
    write_json(folder / "plan.json", content)


def environment() -> dict[str, Any]:
    """Versions and hardware, for the record."""
    names = ("swapformer", "torch", "pytorch-lightning")
    return {
        **{name: version(name) for name in names},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)),
        **_git(),
    }


def _git() -> dict[str, Any]:
    here = Path(__file__).parent
    try:
        commit, status = (
            subprocess.run(["git", "-C", str(here), *command], capture_output=True, text=True, check=True, timeout=5).stdout
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"git_commit": commit.strip(), "git_dirty": bool(status.strip())}


def run_sweep(folder: Path, loaded: Loaded, plan: SweepPlan, trials: list[Trial], limit: int | None = None) -> int:
    """Train what is not done yet, at most `limit` trials, showing progress.

    Returns an exit code: 0, 3 when a trial failed or diverged, 130 or 143 when interrupted. Raises Busy when another
    process works in the folder.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(f"{folder}: another sweep is running here") from None
    try:
        return _Sweep(folder, loaded, plan, trials).run(limit)
    finally:
        lock.release()


class _Sweep:
    def __init__(self, folder: Path, loaded: Loaded, plan: SweepPlan, trials: list[Trial]) -> None:
        self.folder, self.loaded, self.plan = folder, loaded, plan
        self.trials = {t.id: t for t in trials}
        self.metric = Metric(**loaded.full["metric"])
        self.bad = 0
        self.stopped: int | None = None

    def run(self, limit: int | None) -> int:
        done = [t for t in self.trials.values() if self._is_done(t)]
        left = [t for t in self.trials.values() if not self._is_done(t)]
        left = left if limit is None else left[: max(0, limit - len(done))]
        self.bad = sum(self._summary(t).get("status") != "finished" for t in done)
        if left:
            engine = Engine(min(self.plan.workers, len(left)))
            previous = {s: signal.signal(s, self._stop(engine)) for s in (signal.SIGINT, signal.SIGTERM)}
            try:
                with LiveSweep(len(done) + len(left), self.metric, already_done=len(done)) as live:
                    self._train(engine, left, live)
            finally:
                engine.close()
                for number, handler in previous.items():
                    signal.signal(number, handler)
        if self.stopped is not None:
            return 128 + self.stopped
        return 3 if self.bad else 0

    def _train(self, engine: Engine, left: list[Trial], live: LiveSweep) -> None:
        waiting = list(reversed(left))
        while engine.running or (waiting and self.stopped is None):
            while waiting and engine.free and self.stopped is None:
                trial = waiting.pop()
                live.handle(TrialStarted(trial.id, trial.variant.label, trial.seed))
                engine.start(Job(trial.id, trial.spec, self._home(trial), self.loaded.plugins))
            for job, event in engine.events(timeout=0.2):
                self._show(self.trials[job.id], event, live)

    def _show(self, trial: Trial, event: Mapping[str, Any], live: LiveSweep) -> None:
        match event["event"]:
            case "step":
                step = event["step"], event["max_steps"], event["loss"], event["steps_per_second"]
                live.handle(TrialProgress(trial.id, *step))
            case "summary" if event["summary"]["status"] == "finished":
                live.handle(TrialFinished(trial.id, event["summary"]["metrics"].get(self.metric.name)))
            case "summary":
                self._failed(trial, event["summary"]["status"], event["summary"].get("reason"), live)
            case "failed":
                self._failed(trial, "failed", event["reason"], live)

    def _failed(self, trial: Trial, status: str, reason: str | None, live: LiveSweep) -> None:
        self.bad += status != "interrupted"
        live.handle(TrialFailed(trial.id, reason or status, status, str(self._home(trial) / "log.txt")))

    def _stop(self, engine: Engine) -> Any:
        def handle(number: int, frame: FrameType | None) -> None:
            # the first asks every trial to save and stop; trials stop at once at the second
            self.stopped = number
            engine.signal(number)

        return handle

    def _home(self, trial: Trial) -> Path:
        return self.folder / "trials" / trial.id

    def _is_done(self, trial: Trial) -> bool:
        return read_summary(self._home(trial)) is not None

    def _summary(self, trial: Trial) -> dict[str, Any]:
        return read_summary(self._home(trial)) or {}

