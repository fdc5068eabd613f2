"""The results of a folder as a database, for commands that only read: nothing in the folder is touched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.results.lenient import read_json
from experiments.results.read import is_sweep, read_results
from experiments.results.table import Table
from experiments.store import rows
from experiments.store.condition import chosen
from experiments.store.database import DATABASE, StoreError, check_version, create, told
from experiments.store.schema import VERSION
from experiments.store.writer import Writer


@contextmanager
def opened(folder: Path, problems: list[str], *, curves: bool = False) -> Iterator[sqlite3.Connection]:
    """A database with the tables of the store that says what the folder says now.

    That is `results.sqlite` if it is up to date, else one in memory, made from plan.json and the trial folders; then
    with curves if `curves`. What could not be read goes to `problems`. Raises ResultsError where there are no results.
    """
    connection = _current(folder, problems) if is_sweep(folder) and (folder / DATABASE).exists() else None
    if connection is None:
        connection = _in_memory(folder, problems, curves)
    try:
        yield connection
    finally:
        connection.close()


def trials_table(connection: sqlite3.Connection, where: str | None = None) -> Table:
    """A row for each trial, or for those that meet a condition. Raises ResultsError as `chosen` does."""
    found = _table(connection, "SELECT * FROM results")
    if where is None:
        return found
    wanted = set(chosen(connection, where, found.columns))
    return Table(found.columns, tuple(row for row in found.rows if row[0] in wanted))


def curves_table(connection: sqlite3.Connection, where: str | None = None) -> Table:
    """A row for each logged value of these trials."""
    kept = {row[0] for row in trials_table(connection, where).rows}
    found = _table(
        connection,
        "SELECT t.id AS trial, t.variant, t.seed, t.stage, m.name, m.step, m.seconds, m.value "
        "FROM metric m JOIN trial t ON t.id = m.trial ORDER BY t.place, m.name, m.step",
    )
    return Table(found.columns, tuple(row for row in found.rows if row[0] in kept))


def _table(connection: sqlite3.Connection, query: str) -> Table:
    cursor = connection.execute(query)
    return Table(tuple(column[0] for column in cursor.description), tuple(cursor))


def _current(folder: Path, problems: list[str]) -> sqlite3.Connection | None:
    """The database of the folder, if it can be read and says what the folder says."""
    path = folder / DATABASE
    if path.with_name(f"{path.name}-wal").exists():
        # somebody writes, or was killed: to read the log beside the file, SQLite would write into the folder
        return None
    try:
        with told(path):
            # not only mode=ro, with which SQLite makes a log where there is none
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)
            try:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("PRAGMA trusted_schema = OFF")
                if check_version(connection, path) == VERSION and _up_to_date(connection, folder):
                    return connection
            except BaseException:
                connection.close()
                raise
    except StoreError as error:
        problems.append(f"{error}; this was read from the folders themselves")
        return None
    connection.close()
    return None


def _up_to_date(connection: sqlite3.Connection, folder: Path) -> bool:
    kept = connection.execute("SELECT plan FROM sweep").fetchone()
    if kept is None or json.loads(kept[0]) != (read_json(folder / "plan.json", []) or {}):
        return False
    return all(rows.stamp(folder, trial) == stamp for trial, stamp in connection.execute("SELECT id, stamp FROM trial"))


def _in_memory(folder: Path, problems: list[str], curves: bool) -> sqlite3.Connection:
    results = read_results(folder, curves=curves)
    problems += results.problems
    connection = sqlite3.connect(":memory:", isolation_level=None)
    create(connection)
    writer = Writer(connection)
    writer.plan(results.plan, {})
    for place, trial in enumerate(results.trials):
        writer.trial(trial, place, "")
    writer.finish()
    return connection
