"""Tables from every format, chosen by the ending of the file's name; one format a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from experiments.data.content import ending, read_bytes
from experiments.data.errors import BadData
from experiments.data.formats.comma_separated import comma_separated
from experiments.data.formats.hub import hub, is_hub
from experiments.data.formats.json_lines import json_lines
from experiments.data.formats.parquet import parquet
from experiments.data.formats.tab_separated import tab_separated
from experiments.data.formats.table import Table

__all__ = ["FORMATS", "Table", "is_hub", "read_table", "table_content"]

FORMATS: Mapping[str, Callable[[Path, Sequence[str]], Table]] = {
    ".tsv": tab_separated,
    ".txt": tab_separated,
    ".csv": comma_separated,
    ".jsonl": json_lines,
    ".parquet": parquet,
}
"""What reads a file, by its ending; any may be compressed (.gz, .xz)."""


def read_table(path: Path | str, names: Sequence[str]) -> Table:
    """The named columns of a file, or of a Hugging Face data set (hf:NAME:SPLIT).

    Values are text; numbers are written out. Raises BadData: the message names the file, and the row where there is
    one.
    """
    if is_hub(path):
        return hub(path, names)
    kind = FORMATS.get(ending(path))
    if kind is None:
        about = f"its ending says no format of a table; there are {', '.join(FORMATS)} (also .gz, .xz), and hf:NAME"
        raise BadData(path, about)
    return kind(Path(path), names)


def table_content(path: Path | str, names: Sequence[str]) -> bytes:
    """What a table's hash is made of: the bytes of a file, uncompressed; the named columns of a data set."""
    if not is_hub(path):
        return read_bytes(path)
    columns = hub(path, names).columns
    return json.dumps([columns[name] for name in names]).encode()
