"""Tables in Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.data.content import read_bytes
from experiments.data.errors import BadData
from experiments.data.formats.table import Table, gathered, places
from experiments.extras import MissingExtra


def parquet(path: Path, names: Sequence[str]) -> Table:
    """The named columns. Raises BadData, and MissingExtra without pyarrow."""
    return gathered(path, names, _records(path, names))


def _records(path: Path, names: Sequence[str]) -> Iterator[tuple[int, Sequence[Any]]]:
    try:
        import pyarrow
        from pyarrow import parquet as files
    except ModuleNotFoundError:
        raise MissingExtra(f"{path}: Parquet files need pyarrow: pip install 'swapformer[data]'") from None
    content = pyarrow.BufferReader(read_bytes(path))
    try:
        file = files.ParquetFile(content)
        places(path, names, file.schema_arrow.names, "its columns are", row=None)
        table = file.read(columns=list(names), use_threads=False)
        values = [table.column(name).to_pylist() for name in names]
    except (pyarrow.ArrowException, OSError) as error:
        raise BadData(path, f"not a Parquet file, or damaged: {error}") from None
    return enumerate(zip(*values, strict=True), start=1)
