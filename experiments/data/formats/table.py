"""What every format gives: columns of text, and where in the file each record stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.data.errors import BadData
from registry.errors import did_you_mean


@dataclass(frozen=True)
class Table:
    """Columns of a table. `rows[i]` is where the i-th record stands: its line, or its number where there are no lines.

    Lines and records count from 1.
    """

    path: Path
    columns: dict[str, list[str]]
    rows: list[int]

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, rows: int | None) -> Table:
        """Its first rows, or all."""
        if rows is None:
            return self
        return Table(self.path, {name: cells[:rows] for name, cells in self.columns.items()}, self.rows[:rows])


def places(path: Path | str, names: Sequence[str], header: Sequence[str], found: str, row: int | None) -> list[int]:
    """Where in the header the columns are. found: how the header came to be, for the message. Raises BadData."""
    for name in names:
        if name not in header:
            about = f"no column '{name}'; {found} {', '.join(map(str, header))}.{did_you_mean(name, header)}"
            raise BadData(path, about, row=row)
        if list(header).count(name) > 1:
            raise BadData(path, f"there are {list(header).count(name)} columns '{name}'", row=row)
    return [list(header).index(name) for name in names]


def gathered(
    path: Path | str, names: Sequence[str], records: Iterable[tuple[int, Sequence[Any]]], none: str = "there is no row"
) -> Table:
    """A table of records: the row of each, and its values in the order of the names.

    none: what to say where there are no records. Raises BadData.
    """
    columns: dict[str, list[str]] = {name: [] for name in names}
    rows: list[int] = []
    for row, values in records:
        for name, value in zip(names, values, strict=True):
            columns[name].append(_text(path, name, value, row))
        rows.append(row)
    if not rows:
        raise BadData(path, none)
    return Table(Path(path), columns, rows)


def _text(path: Path | str, name: str, value: Any, row: int) -> str:
    """A cell as text: a number as it is written, truth as true or false."""
    match value:
        case str():
            text = value
        case None:
            raise BadData(path, f"column '{name}' is null", row=row)
        case bool():
            text = str(value).lower()
        case int():
            text = str(value)
        case float():
            if value != value:
                raise BadData(path, f"column '{name}' is not a number (NaN)", row=row)
            text = repr(value)
        case _:
            raise BadData(path, f"column '{name}' holds a {type(value).__name__}, not text", row=row)
    if not text.strip():
        raise BadData(path, f"column '{name}' is empty", row=row)
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise BadData(path, f"column '{name}' holds half a character (a lone surrogate)", row=row)
    return text
