"""Opening `results.sqlite`: for its one writer, and for readers that must not change the folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.store.schema import APPLICATION, MIGRATIONS, TABLES, VERSION

DATABASE = "results.sqlite"
BUSY_SECONDS = 30.0
"""How long a statement waits for another process, such as a reader's, to let go of the file."""


class StoreError(ValueError):
    """A results.sqlite that cannot be used; the message says what to do about it."""


class Damaged(StoreError):
    """It is no database, or is broken."""


class Newer(StoreError):
    """A newer version of this program has made its tables."""


def connect(path: Path) -> sqlite3.Connection:
    """Open or make the database for writing, with today's tables.

    What is committed is on the disk: synchronous=FULL. Transactions are begun by hand. Raises Damaged for a file that
    is no database of ours or is broken, Newer for one of a newer version, StoreError for one that cannot be opened.
    """
    with told(path):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        with told(path):
            # reads the header, so what is no database fails here, before anything is changed
            empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            if not empty:
                check_version(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            if empty:
                create(connection)
            else:
                verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
                if verdict != "ok":
                    raise Damaged(f"{path} is damaged ({verdict.splitlines()[-1]}): {remedy(path)}")
                _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, all or none."""
    with transaction(connection):
        for statement in TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def check_version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the tables. Raises Damaged for another program's, Newer for a newer version's."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise Damaged(f"{path} is a database of another program: {remedy(path)}")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise Newer(
            f"{path} was written by a newer swapformer (version {version} of its tables, this one knows up to "
            f"{VERSION}): use that one, or {remedy(path)}"
        )
    return version


def _migrate(connection: sqlite3.Connection) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version == VERSION:
        return
    with transaction(connection):
        for step in range(version, VERSION):
            for statement in MIGRATIONS[step]:
                connection.execute(statement)
        # rows of an earlier version may lack what today's have: they are all read again
        connection.execute("UPDATE trial SET stamp = ''")
        connection.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # a full disk may have ended the transaction already
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Errors of SQLite as a StoreError in our words."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        words = str(error)
        if "full" in words:
            raise StoreError(
                f"{path}: {words}; nothing is lost, the trial folders hold every result: free some space, and the same "
                "command goes on"
            ) from error
        if isinstance(error, sqlite3.OperationalError):
            raise StoreError(f"{path}: {words}; nothing is lost, the trial folders hold every result") from error
        raise Damaged(f"{path} cannot be read ({words}): {remedy(path)}") from error


def remedy(path: Path) -> str:
    return f"`swapformer results {path.parent} --rebuild` makes it again from the trial folders"


def move_aside(path: Path) -> Path:
    """Give a database another name, with what belongs to it, so that a new one takes its place; returns that name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    # its log first: a log beside a new database would be taken for the new one's
    for suffix in ("-wal", "-shm"):
        log = path.with_name(path.name + suffix)
        if log.exists():
            log.rename(aside.with_name(aside.name + suffix))
    path.rename(aside)
    return aside
