"""The database of a sweep, written by its coordinator alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from experiments.crash import crash_point
from experiments.results.lenient import read_json
from experiments.results.plan import Plan, PlannedTrial, ResultsError, read_plan
from experiments.results.read import complete, is_sweep, plan_of, runs_in
from experiments.results.trial import read_trial
from experiments.store import rows
from experiments.store.database import DATABASE, Damaged, Newer, StoreError, connect, move_aside, told, transaction
from experiments.store.writer import Writer


class Store:
    """`results.sqlite` in the folder of a sweep; made where it is missing, and anew where it is damaged.

    The trial folders are the truth and this is a copy of them, trial by trial and all or nothing: whatever is killed
    when, `sync` brings it up to date. A damaged file is kept under another name, which `tell` is told.

    Raises StoreError where the file is of a newer version, cannot be opened or, later, cannot be written to.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None] = lambda _: None) -> None:
        self.folder = folder
        self.path = folder / DATABASE
        self._trials: dict[str, tuple[int, PlannedTrial]] = {}
        try:
            self._connection = connect(self.path)
        except Damaged as error:
            self._connection = self._anew(error, tell)
        self._writer = Writer(self._connection)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def sync(self, plan: Mapping[str, Any]) -> int:
        """Make the database agree with `plan`, the content of plan.json, and with the trial folders.

        Only what has changed is read. Returns how many trials were written.
        """
        problems: list[str] = []
        return self._sync(complete(read_plan(plan, problems), problems), plan)

    def commit(self, trial: str) -> None:
        """Take in what a trial's folder holds now, in one transaction. The trial must be in the plan last synced."""
        place, planned = self._trials[trial]
        crash_point("store.before_commit")
        with told(self.path), transaction(self._connection):
            self._take(place, planned)
            crash_point("store.in_commit")
            self._writer.finish()
        crash_point("store.after_commit")

    def event(self, kind: str, trial: str | None = None, detail: str = "") -> None:
        """Note that something happened, now."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        values = (None if trial is None else rows.plain(trial), kind, rows.plain(detail), at)
        with told(self.path):
            self._connection.execute("INSERT INTO event (trial, kind, detail, at) VALUES (?, ?, ?, ?)", values)

    def ended(self) -> set[str]:
        """The trials that had come to an end, with a result or without, when they were last looked at."""
        query = "SELECT id FROM trial WHERE status IN ('finished', 'diverged', 'failed')"
        with told(self.path):
            return {id_ for (id_,) in self._connection.execute(query)}

    def close(self) -> None:
        """Let go of the file; it is then the only one, without a log beside it, unless somebody reads it."""
        self._connection.close()

    def _anew(self, error: StoreError, tell: Callable[[str], None]) -> sqlite3.Connection:
        with told(self.path):
            aside = move_aside(self.path)
        tell(
            f"{str(error).partition(': `')[0]}: made again from the trial folders; the old one is kept as {aside.name}"
        )
        return connect(self.path)

    def _sync(self, plan: Plan, raw: Mapping[str, Any], *, wipe: bool = False) -> int:
        with told(self.path), transaction(self._connection):
            if wipe:
                self._writer.wipe()
            known = self._known()
            self._writer.plan(plan, raw)
            self._trials = {trial.id: (place, trial) for place, trial in enumerate(plan.trials)}
            written = 0
            for place, trial in self._trials.values():
                wanted = self._facts(place, trial)
                if known.get(wanted[0]) != wanted:
                    self._take(place, trial)
                    written += 1
            self._writer.finish()
        return written

    def _known(self) -> dict[str, tuple[object, ...]]:
        query = "SELECT id, place, variant, seed, stage, tuned, stamp FROM trial"
        return {row[0]: row for row in self._connection.execute(query)}

    def _facts(self, place: int, trial: PlannedTrial) -> tuple[Any, ...]:
        """What a trial's row says as long as nothing has changed."""
        row = rows.planned_row(trial, place)
        stamp = rows.stamp(self.folder, trial.id)
        return (*(row[name] for name in ("id", "place", "variant", "seed", "stage", "tuned")), stamp)

    def _take(self, place: int, planned: PlannedTrial) -> None:
        # the stamp first: what changes while it is read counts as changed since
        stamp = rows.stamp(self.folder, planned.id)
        self._writer.trial(read_trial(self.folder, planned, []), place, stamp)


def rebuild(folder: Path, tell: Callable[[str], None] = lambda _: None) -> int:
    """Make the database of a sweep again from plan.json and the trial folders; returns the number of trials.

    Events, which only the database knows, are kept where it can be read. One of a newer version is kept aside. No
    coordinator may be at work. Raises ResultsError where the folder is no sweep, StoreError where nothing can be
    written.
    """
    if not is_sweep(folder):
        raise ResultsError(f"{folder} is no sweep: it has neither a plan.json nor trials/{runs_in(folder)}")
    plan = plan_of(folder, [])
    try:
        store = Store(folder, tell)
    except Newer:
        aside = move_aside(folder / DATABASE)
        tell(f"{DATABASE} was written by a newer swapformer: it is kept as {aside.name}")
        store = Store(folder, tell)
    with store:
        return store._sync(plan, read_json(folder / "plan.json", []) or {}, wipe=True)
