"""A sweep from its plan to its last trial: what is done is kept, what is left is trained."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.display.events import (
    TrialFailed,
    TrialFinished,
    TrialPaused,
    TrialProgress,
    TrialRetried,
    TrialStarted,
)
from experiments.display.live import LiveSweep
from experiments.results.plan import Metric
from experiments.results.words import times
from experiments.store import Store, StoreError
from experiments.sweep.disk import missing, room_for
from experiments.sweep.engine import ENDS, Engine, EngineFailed, Event, Job
from experiments.sweep.ledger import Ledger, mark
from experiments.sweep.lineup import Lineup
from experiments.sweep.machine import devices
from experiments.sweep.plan_file import write_plan
from experiments.sweep.stops import Stops
from experiments.sweep.trials import Trial
from experiments.sweep_options import Limits

_ROOM = 100_000
"""Bytes that the database and its log grow by, besides what is told otherwise."""


@dataclass(frozen=True)
class Orders:
    """How the trials of a ledger are to be trained.

    metric: what they are judged by. describe: what plan.json says when these trials are wanted. engine: makes one.
    limit: train no more than so many trials in all, done ones included. retry_failed: also those that failed or
    diverged in an earlier run.
    """

    metric: Metric
    limits: Limits
    plugins: tuple[str, ...]
    describe: Callable[[list[Trial]], Mapping[str, Any]]
    engine: Callable[[], Engine]
    limit: int | None = None
    retry_failed: bool = False


def run_sweep(folder: Path, ledger: Ledger, orders: Orders) -> int:
    """Train what is not done yet, showing progress. No other process may work in the folder.

    Returns an exit code: 0, 3 when trials failed or the sweep was stopped by a failure, 128 + the signal when it was
    interrupted. Raises StoreError, EngineFailed, and OSError for a full disk, after letting every trial save; the same
    command continues after each of them.
    """
    with room_for(folder, _ROOM):
        store = Store(folder, print)
    with store:
        return _Sweep(folder, ledger, orders, store).run()


class _Sweep:
    def __init__(self, folder: Path, ledger: Ledger, orders: Orders, store: Store) -> None:
        self.folder, self.ledger, self.orders, self.store = folder, ledger, orders, store
        self.stops = Stops()
        # what went wrong in the sweep itself; it is raised when every trial has stopped
        self.trouble: Exception | None = None

    def run(self) -> int:
        self._begin()
        self.lineup = Lineup(self.ledger, self.orders.limit)
        total, waiting = self.lineup.total, self.lineup.waiting
        if not waiting:
            print(f"{total} of {len(self.ledger.wanted)} trials are done: nothing to train")
            return self._exit_code()
        with self.stops:
            engine = self.orders.engine()
            try:
                with LiveSweep(total, self.orders.metric, already_done=total - waiting) as live:
                    self._train(engine, live)
            finally:
                engine.close()
        if self.trouble is not None:
            raise self.trouble
        return self._exit_code()

    def _exit_code(self) -> int:
        if self.stops.exit_code is not None:
            return self.stops.exit_code
        return 3 if self.ledger.bad or self.lineup.left_alone or self.stops.asked else 0

    def _begin(self) -> None:
        ended = self.store.ended()
        if gone := [trial.id for trial in self.ledger.left if trial.id in ended]:
            names = ", ".join(dict.fromkeys(gone))
            print(f"note: {times(len(gone), 'trial')} had ended, but the folder no longer says how: {names}")
        if self.orders.retry_failed and (again := self.ledger.retry()):
            print(f"{times(again, 'trial')} that came to nothing before will be trained again")
        self._write_plan()
        self.store.event("sweep started", None, f"{len(self.ledger.left)} of {len(self.ledger.wanted)} trials to train")

    def _write_plan(self) -> None:
        content = dict(self.orders.describe(self.ledger.wanted))
        with room_for(self.folder, _ROOM + 500 * len(self.ledger.wanted)):
            write_plan(self.folder, content)
            self.store.sync(content)

    def _train(self, engine: Engine, live: LiveSweep) -> None:
        told = False
        while self.lineup.running or (self.lineup.waiting and not self.stops.asked):
            self._fill(engine, live)
            # from here, not from the handler, which may run while a trial is being started
            engine.pass_on(self.stops.asked)
            if self.stops.asked and not told:
                live.say("stopping: every trial saves first; Ctrl-C again stops at once")
                told = True
            if not self.lineup.running:
                # one that was lost waits for its next attempt
                time.sleep(0.1)
            for job, event in engine.events(timeout=0.2):
                trial = self.lineup.running[job.id]
                if event["event"] in ENDS:
                    self._note_end(trial, event, live)
                else:
                    _show(trial, event, live)

    def _fill(self, engine: Engine, live: LiveSweep) -> None:
        """Start as many trials as there is room for."""
        while not self.stops.asked and (trial := self.lineup.next()) is not None:
            job = self._job(trial)
            if job.devices > engine.slots:
                self._give_up(EngineFailed(f"{_name(trial)} takes {job.devices} devices; there are {engine.slots}"))
                return
            if job.devices > engine.free:
                return
            try:
                engine.start(job)
            except EngineFailed as error:
                self._give_up(error)
                return
            self.lineup.start(trial)
            live.handle(TrialStarted(trial.id, trial.variant.label, trial.seed, trial.stage))

    def _job(self, trial: Trial) -> Job:
        limits = self.orders.limits
        return Job(
            id=trial.id,
            spec=trial.spec,
            folder=self.ledger.home(trial.id),
            plugins=self.orders.plugins,
            until=trial.until,
            memory_mb=limits.memory_mb,
            minutes=limits.minutes,
            devices=devices(trial.spec),
        )

    def _note_end(self, trial: Trial, event: Event, live: LiveSweep) -> None:
        self.lineup.end(trial)
        try:
            with room_for(self.folder, _ROOM + 2 * _size(self.ledger.home(trial.id) / "metrics.csv")):
                self._take(trial, event, live)
        except (OSError, StoreError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.trouble = self.trouble or error
        self.stops.ask()

    def _take(self, trial: Trial, event: Event, live: LiveSweep) -> None:
        """Take in the end of a trial: its folder says how it came out, the event what it could not say itself."""
        outcome = self.ledger.read(trial.id)
        reason, lost = event.get("reason", ""), event["event"] == "lost"
        settled = outcome is not None and outcome.settled and not (lost and outcome.status == "failed")
        if lost and not settled and not self.stops.asked:
            if self.lineup.again(trial, self.orders.limits.retries):
                if outcome is not None and outcome.settled:
                    # it is not to count as failed while it waits, neither here nor when the sweep is called again
                    self._mark(trial, "interrupted", reason)
                self.store.event("lost", trial.id, reason)
                live.handle(TrialRetried(trial.id, reason))
                return
            reason += f", {times(self.lineup.lost[trial.id], 'time')}"
        if event.get("full"):
            # nothing that the trial did wrong
            self._mark(trial, "interrupted", reason)
            self._give_up(self._no_room(trial, reason))
        elif event["event"] != "summary" and not settled:
            # one that was still starting dies of the signal that asks it to stop
            self._mark(trial, "interrupted" if self.stops.asked else "failed", reason)
        self._record(trial, live)

    def _no_room(self, trial: Trial, reason: str) -> OSError:
        size = _ROOM + _size(self.ledger.home(trial.id) / "checkpoints" / "last.ckpt")
        return OSError(errno.ENOSPC, f"{reason}; {missing(self.folder, size)}", str(self.folder))

    def _mark(self, trial: Trial, status: str, reason: str) -> None:
        mark(self.ledger.home(trial.id), status, reason)
        self.ledger.read(trial.id)

    def _record(self, trial: Trial, live: LiveSweep) -> None:
        outcome = self.ledger.outcomes[trial.id]
        home, reason = self.ledger.home(trial.id), outcome.reason or outcome.status
        if outcome.status == "finished":
            live.handle(TrialFinished(trial.id, outcome.metrics.get(self.orders.metric.name)))
        elif outcome.status == "paused":
            live.handle(TrialPaused(trial.id))
        else:
            live.handle(TrialFailed(trial.id, reason, outcome.status, str(home / "log.txt")))
        if not outcome.settled and outcome.status != "paused" and not self.stops.asked:
            # somebody has asked this trial alone to stop
            self.lineup.left_alone.add(trial.id)
        if outcome.settled and outcome.status != "finished" and self.orders.limits.on_failure == "stop":
            live.say("limits.on_failure is stop")
            self.stops.ask()
        self.store.commit(trial.id)
        self.store.event(outcome.status, trial.id, outcome.reason or "")
        if self.ledger.refresh():
            self._write_plan()
        self.lineup.renew()
        live.expect(self.lineup.total)


def _show(trial: Trial, event: Event, live: LiveSweep) -> None:
    match event["event"]:
        case "step":
            rate = event["steps_per_second"]
            live.handle(TrialProgress(trial.id, event["step"], event["max_steps"], event["loss"], rate))
        case "note":
            live.say(f"{_name(trial)}: {event['text']}")


def _name(trial: Trial) -> str:
    return f"{trial.variant.label}, seed {trial.seed}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
