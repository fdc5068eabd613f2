"""Answers as JSON, one a line, in a file that holds all that was done however the command ends."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from experiments.atomic import commit, temporary
from experiments.cli.writing import may_write


def line_of(answer: Mapping[str, Any]) -> str:
    """One line of JSON. A number that is not finite becomes null: JSON has none."""
    return json.dumps(_finite(answer), ensure_ascii=False, allow_nan=False)


class JsonLines:
    """A file of answers, as a context: written beside its place, and put there at the end, after an error too.

    Where not one answer was written, the file stays away. lines: so far. "-" is the terminal. Raises UsageError for a
    file that exists, unless told to write over it.
    """

    def __init__(self, target: str, *, force: bool = False) -> None:
        self.path = None if target == "-" else Path(target)
        self.lines = 0
        if self.path is not None:
            may_write(self.path, force=force)

    def __enter__(self) -> JsonLines:
        self._file = None if self.path is None else open(temporary(self.path), "w", encoding="utf-8", newline="\n")
        return self

    def write(self, answer: Mapping[str, Any]) -> None:
        """One more line."""
        if self._file is None:
            click.echo(line_of(answer))
        else:
            self._file.write(line_of(answer) + "\n")
        self.lines += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is None or self.path is None:
            return
        new = temporary(self.path)
        try:
            self._file.close()
            if self.lines:
                commit(new, self.path)
        finally:
            new.unlink(missing_ok=True)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _finite(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value
