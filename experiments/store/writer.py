"""Rows into tables; transactions are the caller's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from experiments.results.plan import Plan
from experiments.results.trial import Trial
from experiments.store import rows
from experiments.store.schema import FROM_FOLDERS, results_view

OF_A_TRIAL = ("metric", "final", "best")
KEYS = {
    "variant": ("label",),
    "axis": ("variant", "path"),
    "trial": ("id",),
    "metric": ("trial", "name", "step"),
    "final": ("trial", "name"),
    "best": ("trial", "name"),
}


class Writer:
    """Writes what a plan and its trials say into a database with the tables of `schema`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def wipe(self) -> None:
        """Remove all that can be read from the folders again; events stay."""
        for table in FROM_FOLDERS:
            self._connection.execute(f"DELETE FROM {table}")

    def plan(self, plan: Plan, raw: Mapping[str, Any]) -> None:
        """The sweep and its variants; trials and variants that are not in the plan any more go."""
        ids = {rows.plain(trial.id) for trial in plan.trials}
        for gone in [known for (known,) in self._connection.execute("SELECT id FROM trial") if known not in ids]:
            self._clear(gone)
            self._connection.execute("DELETE FROM trial WHERE id = ?", (gone,))
        self._connection.execute("DELETE FROM sweep")
        self._insert("sweep", [rows.sweep_row(plan, raw)])
        self._connection.execute("DELETE FROM axis")
        # trials may still name variants that are gone; `finish` removes them
        self._connection.execute("UPDATE variant SET place = -1")
        self._insert("variant", rows.variant_rows(plan))
        self._insert("axis", rows.axis_rows(plan))

    def trial(self, trial: Trial, place: int, stamp: str) -> None:
        """All that is known of a trial, in the place of what was known."""
        row = rows.trial_row(trial, place, stamp)
        self._clear(row["id"])
        self._insert("trial", [row])
        self._insert("metric", rows.metric_rows(trial))
        if trial.summary is not None:
            self._insert("final", rows.number_rows(trial, trial.summary.metrics))
            self._insert("best", rows.number_rows(trial, trial.summary.best_metrics))

    def finish(self) -> None:
        """What follows from all rows together: sizes of variants, the columns of the view."""
        self._connection.execute("DELETE FROM variant WHERE place = -1")
        self._connection.execute(
            "UPDATE variant SET parameters = (SELECT parameters FROM trial WHERE variant = label "
            "AND parameters IS NOT NULL ORDER BY place LIMIT 1)"
        )
        axes = self._texts("SELECT path FROM axis GROUP BY path ORDER BY min(place), path")
        metrics = self._texts("SELECT DISTINCT name FROM final ORDER BY name <> (SELECT metric FROM sweep), name")
        wanted = results_view(axes, metrics)
        if self._texts("SELECT sql FROM sqlite_master WHERE name = 'results'") != [wanted]:
            self._connection.execute("DROP VIEW IF EXISTS results")
            self._connection.execute(wanted)

    def _texts(self, query: str) -> list[str]:
        return [text for (text,) in self._connection.execute(query)]

    def _clear(self, trial: str) -> None:
        for table in OF_A_TRIAL:
            self._connection.execute(f"DELETE FROM {table} WHERE trial = ?", (trial,))

    def _insert(self, table: str, new: Iterable[rows.Row]) -> None:
        """Insert rows; a key that is there already gets the new values."""
        listed = list(new)
        if not listed:
            return
        names = list(listed[0])
        values = ", ".join(f":{name}" for name in names)
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"
        if table in KEYS:
            changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in KEYS[table])
            statement += f" ON CONFLICT ({', '.join(KEYS[table])}) DO UPDATE SET {changed}"
        self._connection.executemany(statement, listed)
