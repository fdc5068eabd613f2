"""Tables whose cells are parted by tabs, without quoting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from experiments.data.content import lines_of, read_text
from experiments.data.errors import BadData
from experiments.data.formats.table import Table, gathered, places

HEADER = "its columns, named by the first row, are"
ONLY_HEADER = "there is a header but no row"


def tab_separated(path: Path, names: Sequence[str]) -> Table:
    """The named columns of a file with a header row; blank lines are skipped."""
    return gathered(path, names, _records(path, names), ONLY_HEADER)


def _records(path: Path, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    first, *lines = lines_of(read_text(path))
    header = first.split("\t")
    where = places(path, names, header, HEADER, row=1)
    for row, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != len(header):
            raise BadData(path, f"{len(cells)} columns where the header has {len(header)}", row=row)
        yield row, [cells[column] for column in where]
