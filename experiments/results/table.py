"""Rows under named columns, and how they are picked and sorted; numbers stay numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.results.plan import ResultsError
from registry.errors import did_you_mean

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Every row has a cell for each column; None where nothing is known."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def picked(self, names: Iterable[str]) -> Table:
        """These columns, in this order. Raises ResultsError for one that there is not."""
        places = [self.place(name) for name in names]
        return Table(
            tuple(self.columns[place] for place in places),
            tuple(tuple(row[place] for place in places) for row in self.rows),
        )

    def ordered(self, by: Sequence[str]) -> Table:
        """Sorted by these columns, the first counting most; a minus before a name: the largest first.

        Rows without a value come last, and text after numbers. Raises ResultsError for a column that there is not.
        """
        rows = list(self.rows)
        for name in reversed(by):
            # a column may be called "-x"
            falling = name.startswith("-") and name not in self.columns
            place = self.place(name[1:] if falling else name)
            known = [row for row in rows if row[place] is not None]
            known.sort(key=lambda row: _order(row[place]), reverse=falling)
            rows = known + [row for row in rows if row[place] is None]
        return Table(self.columns, tuple(rows))

    def place(self, name: str) -> int:
        """Where a column stands. Raises ResultsError, with the nearest name, where there is none."""
        for place, column in enumerate(self.columns):
            if column.lower() == name.lower():
                return place
        raise no_column(name, self.columns)


def no_column(name: str, columns: Sequence[str]) -> ResultsError:
    """The error for a name that is no column's."""
    hint = did_you_mean(name, columns) or f" Columns: {', '.join(columns)}."
    return ResultsError(f"there is no column '{name}'.{hint}")


def _order(value: Cell) -> tuple[bool, float, str]:
    return (True, 0.0, value) if isinstance(value, str) else (False, float(value or 0), "")
