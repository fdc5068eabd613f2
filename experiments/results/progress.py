"""How far a sweep or a run is, read from its folder by anyone at any time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.results.holder import Holder, holder
from experiments.results.plan import ResultsError
from experiments.results.read import changed, is_sweep, read_results, runs_below
from experiments.results.sweep import SweepResults
from experiments.results.trial import Curve, Trial, read_curves
from experiments.results.words import times

LOSS = "train/loss"
RECENT = 20
"""Over so many logged points the rate is taken."""


@dataclass(frozen=True)
class TrialProgress:
    """A trial that has begun and has no result yet.

    alive: whether a process works on it. losses: of the training, in order. rate: steps a second of training, lately.
    silent: seconds since it last wrote how far it is.
    """

    trial: Trial
    alive: bool
    losses: tuple[float, ...]
    rate: float | None
    silent: float | None

    @property
    def seconds_left(self) -> float | None:
        left = max(0, (self.trial.max_steps or 0) - self.trial.step)
        return left / self.rate if self.rate and self.trial.max_steps else None


@dataclass(frozen=True)
class FolderProgress:
    """A sweep or a run. holder: the process that works on it; without one nothing in it goes on.

    begun: the trials at work and those that were left in the middle, in the order of the plan.
    """

    results: SweepResults
    sweep: bool
    holder: Holder | None
    begun: tuple[TrialProgress, ...]

    @property
    def folder(self) -> Path:
        return self.results.folder

    @property
    def counts(self) -> Mapping[str, int]:
        """Trials by state; `stopped` are those that say they are running and are not."""
        alive = {row.trial.id for row in self.begun if row.alive}
        states = [
            "stopped" if trial.status == "running" and trial.id not in alive else trial.status
            for trial in self.results.trials
        ]
        order = ("running", "paused", "stopped", "interrupted", "pending", "finished", "diverged", "failed")
        return {state: states.count(state) for state in order if state in states}

    @property
    def done(self) -> int:
        return sum(trial.status in ("finished", "diverged", "failed") for trial in self.results.trials)

    @property
    def total(self) -> int:
        return len(self.results.trials)

    @property
    def running(self) -> tuple[TrialProgress, ...]:
        return tuple(row for row in self.begun if row.alive)

    @property
    def over(self) -> bool:
        """Whether nothing in it will change by itself any more."""
        return self.holder is None and not self.running

    @property
    def seconds_left(self) -> float | None:
        """For all of it, from how long trials took and how many are at work; None until there is enough to tell."""
        if not self.running:
            return None
        known = [row.seconds_left for row in self.running if row.seconds_left is not None]
        longest = max(known, default=None)
        waiting = self.total - self.done - len(self.running)
        took = [trial.origin.wall_seconds or _trained(trial) for trial in self.results.trials if trial.finished]
        lasted = [seconds for seconds in took if seconds]
        if waiting == 0 or longest is None:
            return longest
        if not lasted:
            return None
        return (sum(known) + waiting * sum(lasted) / len(lasted)) / len(self.running)

    @property
    def state(self) -> str:
        """In words: `running (process 4242, since ...)`, `finished`, `stopped`, `not started`."""
        if self.holder is not None:
            named = [f"process {self.holder.pid}"] if self.holder.pid else []
            named += [f"on {self.holder.host}"] if self.holder.host else []
            since = [f"since {self.holder.since}"] if self.holder.since else []
            about = ", ".join([" ".join(named), *since]) if named else ""
            return f"running ({about})" if about else "running"
        if self.total and self.done == self.total:
            return "finished" if self.sweep else self.results.trials[0].status
        return "stopped" if self.done or self.begun else "not started"


def read_progress(folder: Path) -> FolderProgress:
    """Raises ResultsError where the folder is neither a sweep nor a run."""
    sweep = is_sweep(folder)
    results = read_results(folder, curves=False)
    now = time.time()
    begun = [_begun(trial, now) for trial in results.trials if _in_the_middle(trial)]
    return FolderProgress(results, sweep, holder(folder), tuple(begun))


def find_runs(folder: Path | None, otherwise: Path = Path("runs")) -> tuple[Sequence[Path], bool]:
    """The runs to tell of, and whether they are several: `folder` itself, or those in it, or those in `otherwise`.

    Raises ResultsError where there is none.
    """
    here = otherwise if folder is None else folder
    if folder is None and not here.is_dir():
        raise ResultsError(f"there is no folder {here} here; name that of a run or a sweep")
    if here.is_dir() and not any((here / name).exists() for name in ("plan.json", "trials", "state.json")):
        found = runs_below(here)
        if not found:
            raise ResultsError(f"{here} holds no runs: none of its folders has a plan.json or a state.json")
        return found, True
    return [here], False


def summary_words(progress: FolderProgress) -> str:
    """`3 of 9 trials done: 2 running, 4 pending, 3 finished`."""
    counted = ", ".join(f"{number} {state}" for state, number in progress.counts.items())
    return f"{progress.done} of {times(progress.total, 'trial')} done" + (f": {counted}" if counted else "")


def _in_the_middle(trial: Trial) -> bool:
    """Whether there is more to say of it than its status; of halving, there may be many paused ones."""
    return trial.status in ("running", "interrupted") or (trial.status == "paused" and holder(trial.folder) is not None)


def _begun(trial: Trial, now: float) -> TrialProgress:
    curve = read_curves(trial.folder / "metrics.csv", []).get(LOSS)
    written = max((changed(trial.folder / name) for name in ("state.json", "metrics.csv")), default=0.0)
    return TrialProgress(
        trial,
        alive=holder(trial.folder) is not None,
        losses=curve.values if curve else (),
        rate=_rate(curve) if curve else None,
        silent=max(0.0, now - written) if written else None,
    )


def _rate(curve: Curve) -> float | None:
    steps, seconds = curve.steps[-RECENT:], curve.seconds[-RECENT:]
    if len(steps) < 2 or not seconds[-1] > seconds[0]:
        return None
    return (steps[-1] - steps[0]) / (seconds[-1] - seconds[0])


def _trained(trial: Trial) -> float | None:
    return trial.summary.train_seconds if trial.summary else None
