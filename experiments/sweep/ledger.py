"""How far the trials of a sweep are, as their folders say, and which are still to be trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from experiments.atomic import write_json
from experiments.results.lenient import read_json, text
from experiments.results.plan import PlannedTrial
from experiments.results.trial import read_curves, read_trial
from experiments.sweep.outcome import Outcome
from experiments.sweep.trials import Trial


class Wants(Protocol):
    """What decides which trials there should be; see `Rounds`."""

    troubles: dict[str, str]
    """Label of a variant -> why it has no trials to compare."""

    def wanted(self, outcomes: Mapping[str, Outcome]) -> list[Trial]:
        """All that should exist by now, in the order to train them."""


class Ledger:
    """The trials that are wanted, and what has come of each.

    wanted: in the order to train them. outcomes: by id, of all that were ever started. steps: by id, how far they are.
    """

    def __init__(self, folder: Path, rounds: Wants) -> None:
        self.folder = folder
        self.wanted: list[Trial] = []
        self.outcomes: dict[str, Outcome] = {}
        self.steps: dict[str, int] = {}
        self._rounds = rounds
        self._looked: set[str] = set()
        self.refresh()

    def home(self, id_: str) -> Path:
        """The folder of a trial."""
        return self.folder / "trials" / id_

    def read(self, id_: str) -> Outcome | None:
        """Look at a trial's folder again; None if it was never started."""
        self._looked.add(id_)
        found = _read(self.folder, id_)
        if found is None:
            self.outcomes.pop(id_, None)
            return None
        self.outcomes[id_], self.steps[id_] = found
        return found[0]

    def refresh(self) -> bool:
        """Ask which trials are wanted by what is known now; whether they are others than before."""
        before = [(trial.id, trial.until) for trial in self.wanted]
        while True:
            self.wanted = self._rounds.wanted(self.outcomes)
            new = [trial.id for trial in self.wanted if trial.id not in self._looked]
            if not new:
                return before != [(trial.id, trial.until) for trial in self.wanted]
            for id_ in new:
                self.read(id_)

    def done(self, trial: Trial) -> bool:
        """Whether nothing is left to do for a trial as it is wanted now."""
        outcome = self.outcomes.get(trial.id)
        if outcome is None:
            return False
        paused = outcome.status == "paused" and trial.until is not None
        return outcome.settled or (paused and self.steps[trial.id] >= (trial.until or 0))

    @property
    def left(self) -> list[Trial]:
        """The trials that are to be trained, or trained further."""
        return [trial for trial in self.wanted if not self.done(trial)]

    @property
    def bad(self) -> int:
        """How many trials to compare came to nothing, and how many variants came to no trial to compare."""
        compared = (self.outcomes.get(trial.id) for trial in self.wanted if trial.stage == "compare")
        trials = sum(o is not None and o.settled and o.status != "finished" for o in compared)
        return trials + len(self._rounds.troubles)

    def retry(self) -> int:
        """Make those that failed or diverged wanted again; what they came to is set aside. Returns how many."""
        again = [id_ for id_, o in self.outcomes.items() if o.settled and o.status != "finished"]
        for id_ in again:
            _set_aside(self.home(id_))
            self.read(id_)
        self.refresh()
        return len(again)


def mark(folder: Path, status: str, reason: str) -> None:
    """Write how a trial ended that could not do so itself; how far it was stays."""
    path = folder / "state.json"
    state = read_json(path, []) or {}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, {"step": 0, "max_steps": None} | state | {"status": status, "reason": reason, "updated": now})


def _read(root: Path, id_: str) -> tuple[Outcome, int] | None:
    """The outcome of a trial and its step; None if it never began."""
    trial = read_trial(root, PlannedTrial(id_, "", 0), [], curves=False)
    if trial.status == "pending":
        return None
    # without a summary that is a mere claim
    status = "interrupted" if trial.status == "diverged" and trial.summary is None else trial.status
    metrics = {} if trial.summary is None else trial.summary.metrics
    return Outcome(status, metrics, _curves(trial.folder), trial.reason or None), trial.step


def _curves(folder: Path) -> Callable[[str], Mapping[int, float]]:
    """The curves of a trial by name, read when the first is asked for."""
    known: dict[str, dict[int, float]] | None = None

    def curve(name: str) -> Mapping[int, float]:
        nonlocal known
        if known is None:
            found = read_curves(folder / "metrics.csv", [])
            known = {name: dict(zip(curve.steps, curve.values, strict=True)) for name, curve in found.items()}
        return known.get(name, {})

    return curve


def _set_aside(folder: Path) -> None:
    summary = folder / "summary.json"
    if summary.exists():
        number = 1
        while (aside := folder / f"summary.{number}.json").exists():
            number += 1
        summary.rename(aside)
    reason = text((read_json(folder / "state.json", []) or {}).get("reason"))
    mark(folder, "interrupted", f"to be trained again after: {reason}")
