"""Tables whose cells are parted by commas, quoted where a comma, a quote or a new line is in them (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from experiments.data.content import read_text
from experiments.data.errors import BadData
from experiments.data.formats.tab_separated import HEADER, ONLY_HEADER
from experiments.data.formats.table import Table, gathered, places


def comma_separated(path: Path, names: Sequence[str]) -> Table:
    """The named columns of a file with a header row; blank lines are skipped. A row's number is its first line's."""
    return gathered(path, names, _records(path, names), ONLY_HEADER)


def _records(path: Path, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    (_, header), *rows = _lines(path)
    where = places(path, names, header, HEADER, row=1)
    for row, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise BadData(path, f"{len(cells)} columns where the header has {len(header)}", row=row)
        yield row, [cells[column] for column in where]


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    text = read_text(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found, row = [], 1
    # the library refuses cells of 128 KiB unless told otherwise, and only for all readers at once
    before = csv.field_size_limit(len(text) + 1)
    try:
        for cells in reader:
            found.append((row, cells))
            row = reader.line_num + 1
    except csv.Error as error:
        raise BadData(path, f"not comma-separated with quotes as usual: {error}", row=row) from None
    finally:
        csv.field_size_limit(before)
    return found
