"""A condition that a user writes in SQL, and what it may do: read, and nothing else."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from experiments.results.plan import ResultsError
from experiments.results.table import no_column
from experiments.store.schema import quoted

FUNCTIONS = frozenset(
    (
        *("abs", "avg", "count", "group_concat", "max", "min", "round", "sign", "sum", "total"),
        *("coalesce", "ifnull", "iif", "nullif", "typeof"),
        *("format", "glob", "instr", "length", "like", "lower", "ltrim", "printf", "replace"),
        *("rtrim", "substr", "substring", "trim", "upper"),
        *("date", "datetime", "julianday", "strftime", "time", "unixepoch"),
        *("json_array_length", "json_extract", "json_type", "json_valid", "->", "->>"),
    )
)
"""Those of SQLite that a condition may call: none of them reads a file or loads code."""

_TEXT = re.compile(
    r"(?P<string>'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\")|(?P<rest>--[^\n]*|/\*.*?\*/|`[^`]*`|\[[^\]]*\])",
    re.DOTALL,
)
_WORD = re.compile(r"[\w./@-]+")
_PLAIN = re.compile(r"[A-Za-z_]\w*")
_MISSING = re.compile(r"no such column: (.+)")


def columns_quoted(condition: str, columns: Sequence[str]) -> str:
    """The condition with the columns in it as SQL wants them: `valid/loss < 2` means `"valid/loss" < 2`.

    Raises ResultsError for a name in double quotes that is no column: SQLite would take it for a text.
    """
    known = {column.lower() for column in columns}
    special = sorted((column for column in columns if not _PLAIN.fullmatch(column)), key=len, reverse=True)
    names = re.compile("|".join(rf"(?<![\w./]){re.escape(name)}(?![\w./])" for name in special), re.IGNORECASE)

    def outside(text: str) -> str:
        return names.sub(lambda found: quoted(found.group()), text) if special else text

    done, end = "", 0
    for found in _TEXT.finditer(condition):
        done += outside(condition[end : found.start()])
        name = found.group("name")
        if name is not None and (inner := name[1:-1].replace('""', '"')).lower() not in known:
            hint = str(no_column(inner, columns))
            raise ResultsError(f"--where: {hint} Text is written in single quotes: '{inner}'")
        done, end = done + found.group(), found.end()
    return done + outside(condition[end:])


def chosen(connection: sqlite3.Connection, condition: str, columns: Sequence[str]) -> list[str]:
    """The ids of the trials in the view `results` that meet a condition over its columns, in the order of the plan.

    Raises ResultsError for a condition that SQLite cannot read, that names no column, or that would do more than read.
    """
    # in lines of its own, so that a comment at its end ends there
    query = f"SELECT trial FROM results WHERE (\n{columns_quoted(condition, columns)}\n)"
    with only_reading(connection):
        try:
            return [trial for (trial,) in connection.execute(query)]
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise _explained(error, condition, columns) from None


@contextmanager
def only_reading(connection: sqlite3.Connection) -> Iterator[None]:
    """Inside, statements can read tables of this database, and neither write, attach files, nor set anything."""
    connection.set_authorizer(_allowed)
    # gives Ctrl-C a chance in a query that takes for ever
    connection.set_progress_handler(lambda: 0, 100_000)
    try:
        yield
    finally:
        connection.set_authorizer(None)
        connection.set_progress_handler(None, 0)


def _allowed(action: int, first: str | None, second: str | None, database: str | None, inside: str | None) -> int:
    fine = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ) or (
        action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in FUNCTIONS
    )
    return sqlite3.SQLITE_OK if fine else sqlite3.SQLITE_DENY


def _explained(error: Exception, condition: str, columns: Sequence[str]) -> ResultsError:
    words = " ".join(str(error).split())
    if missing := _MISSING.search(words):
        # `model.atention` and `valid/los` reach SQLite in pieces
        first = missing.group(1)
        whole = next((word for word in _WORD.findall(condition) if first in word), first)
        return ResultsError(f"--where: {no_column(whole.strip('-'), columns)}")
    if "not authorized" in words or "prohibited" in words:
        return ResultsError(f"--where: it is a condition over columns and may only read ({words})")
    return ResultsError(f"--where: {words}")
