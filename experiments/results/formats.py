"""A table as other programs take it: CSV, Markdown, LaTeX, JSON, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from experiments.atomic import commit, temporary
from experiments.results.escaping import defused, latex, markdown
from experiments.results.plan import ResultsError
from experiments.results.table import Cell, Table
from experiments.results.words import MISSING, clean


def as_csv(table: Table) -> str:
    """Full precision; empty cells where nothing is known."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in (table.columns, *table.rows):
        writer.writerow([defused(clean(cell) if isinstance(cell, str) else cell) for cell in row])
    return out.getvalue()


def as_json(table: Table) -> str:
    """A list of objects; null where nothing is known."""
    return json.dumps([dict(zip(table.columns, row, strict=True)) for row in table.rows], indent=1) + "\n"


def as_markdown(table: Table) -> str:
    """Rounded for reading."""
    rules = ["---:" if numeric else "---" for numeric in numeric_columns(table)]
    rows = [[markdown(cell) for cell in row] for row in (table.columns, *rounded(table))]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, f"|{'|'.join(rules)}|")
    return "\n".join(lines) + "\n"


def as_latex(table: Table) -> str:
    """A `tabular` with the rules of the package booktabs, rounded for reading."""
    columns = "".join("r" if numeric else "l" for numeric in numeric_columns(table))
    head, *body = [" & ".join(map(latex, row)) + r" \\" for row in (table.columns, *rounded(table))]
    lines = [
        r"% needs \usepackage{booktabs} and, for quotes, \usepackage[T1]{fontenc}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def write_parquet(table: Table, path: Path) -> None:
    """A Parquet file, old or new, never half written. Raises ResultsError without the extra `data`."""
    try:
        import pyarrow  # type: ignore[import-untyped]
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise ResultsError("Parquet needs the extra `data`: pip install 'swapformer[data]'") from None
    columns = list(zip(*table.rows, strict=True)) if table.rows else [()] * len(table.columns)
    arrays = [pyarrow.array(_of_one_type(column)) for column in columns]
    new = temporary(path)
    try:
        pyarrow.parquet.write_table(pyarrow.table(arrays, names=list(table.columns)), new)
        commit(new, path)
    finally:
        new.unlink(missing_ok=True)


TEXT_FORMATS: dict[str, Callable[[Table], str]] = {
    "csv": as_csv,
    "md": as_markdown,
    "latex": as_latex,
    "json": as_json,
}


def rounded(table: Table) -> list[list[str]]:
    """Cells as people read them: whole numbers in full, others with five digits."""
    return [[_words(cell) for cell in row] for row in table.rows]


def numeric_columns(table: Table) -> list[bool]:
    """Which columns hold numbers and nothing else."""
    found = []
    for place in range(len(table.columns)):
        known = [row[place] for row in table.rows if row[place] is not None]
        found.append(bool(known) and not any(isinstance(cell, str) for cell in known))
    return found


def _words(cell: Cell) -> str:
    if cell is None:
        return MISSING
    return f"{cell:.5g}" if isinstance(cell, float) else clean(str(cell))


def _of_one_type(column: tuple[Cell, ...]) -> list[Cell]:
    """A file has one type a column: text where there is any, else numbers with a point where there is any."""
    if any(isinstance(cell, str) for cell in column):
        return [None if cell is None else str(cell) for cell in column]
    if any(isinstance(cell, float) for cell in column):
        return [None if cell is None else float(cell) for cell in column]
    return list(column)
