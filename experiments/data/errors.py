"""The one error that bad data raise."""

from __future__ import annotations

from pathlib import Path


class BadData(ValueError):
    """A data file that cannot be used. The message names the file, the row where there is one, and what would do."""

    def __init__(self, path: Path | str, problem: str, *, row: int | None = None) -> None:
        place = f"{path}:{row}" if row is not None else f"{path}"
        super().__init__(f"{place}: {problem}")
