"""A sweep from its plan to its last trial: what is done is kept, what is left is trained."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from experiments.display.events import TrialFailed, TrialFinished, TrialProgress, TrialStarted
from experiments.display.live import LiveSweep
from experiments.results.plan import Metric
from experiments.sweep.engine import Engine
from experiments.sweep.plan import SweepPlan
from experiments.sweep.trials import Trial
from experiments.sweep.worker import Job
from experiments.training.interrupts import SIGNALS
from experiments.training.trial import read_summary
from registry.load import Loaded


def run_sweep(folder: Path, loaded: Loaded, plan: SweepPlan, trials: list[Trial], limit: int | None = None) -> int:
    """Train what is not done yet, at most `limit` trials, showing progress. No other process may work in the folder.

    Returns an exit code: 0, 3 when a trial failed or diverged, 130 or 143 when interrupted.
    """
    return _Sweep(folder, loaded, plan, trials).run(limit)


class _Sweep:
    def __init__(self, folder: Path, loaded: Loaded, plan: SweepPlan, trials: list[Trial]) -> None:
        self.folder, self.loaded, self.plan = folder, loaded, plan
        self.trials = {t.id: t for t in trials}
        self.metric = Metric(**loaded.full["metric"])
        self.bad = 0
        # those received, in their order: the first asks every trial to save and stop, the second to stop at once
        self.signals: list[int] = []

    def run(self, limit: int | None) -> int:
        summaries = {t.id: read_summary(self._home(t)) for t in self.trials.values()}
        done = [found for found in summaries.values() if found is not None]
        left = [t for t in self.trials.values() if summaries[t.id] is None]
        left = left if limit is None else left[: max(0, limit - len(done))]
        self.bad = sum(summary["status"] != "finished" for summary in done)
        if left:
            engine = Engine(min(self.plan.workers, len(left)))
            previous = {s: signal.signal(s, self._note_signal) for s in SIGNALS}
            try:
                with LiveSweep(len(done) + len(left), self.metric, already_done=len(done)) as live:
                    self._train(engine, left, live)
            finally:
                engine.close()
                for number, handler in previous.items():
                    signal.signal(number, handler)
        else:
            print(f"{len(done)} of {len(self.trials)} trials are done: nothing to train")
        if self.signals:
            return 128 + self.signals[0]
        return 3 if self.bad else 0

    def _train(self, engine: Engine, left: list[Trial], live: LiveSweep) -> None:
        waiting = list(reversed(left))
        told = False
        while engine.running or (waiting and not self.signals):
            while waiting and engine.free and not self.signals:
                trial = waiting.pop()
                live.handle(TrialStarted(trial.id, trial.variant.label, trial.seed))
                engine.start(Job(trial.id, trial.spec, self._home(trial), self.loaded.plugins))
            # from here, not from the handler, which may run while a trial is being started
            engine.pass_on(self.signals)
            if self.signals and not told:
                live.say("stopping: every trial saves first; Ctrl-C again stops at once")
                told = True
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
                # a trial that was still starting dies of the signal that asks it to stop
                self._failed(trial, "interrupted" if self.signals else "failed", event["reason"], live)

    def _failed(self, trial: Trial, status: str, reason: str | None, live: LiveSweep) -> None:
        self.bad += status != "interrupted"
        live.handle(TrialFailed(trial.id, reason or status, status, str(self._home(trial) / "log.txt")))

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals.append(number)

    def _home(self, trial: Trial) -> Path:
        return self.folder / "trials" / trial.id
