"""Series of numbers from files: steps by columns, with errors that name the row and the column."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments.data.content import ending, read_bytes, read_text
from experiments.data.errors import BadData
from experiments.extras import MissingExtra
from registry.errors import did_you_mean

Missing = Literal["refuse", "mask"]
"""What to do about a number that is not there."""

NOT_THERE = {"", "nan", "na", "n/a", "null", "none"}


@dataclass(frozen=True)
class Measurements:
    """values: float64 [n c], NaN where nothing was measured; columns: the names of the channels."""

    path: Path
    columns: tuple[str, ...]
    values: np.ndarray
    first_row: int = 1
    """Where the first step stands in the file, for messages."""

    def __len__(self) -> int:
        return len(self.values)


def read_measurements(path: Path, columns: Sequence[str] | None, missing: Missing) -> Measurements:
    """The columns of these names, in this order, or all but the time.

    .csv, .tsv and .parquet have names in a header, and the time in the first column, which is not read; .npz has an
    array for each column, or one [n c]; .npy is an array [n] or [n c]; columns without a name are called "0", "1" ...
    Raises BadData: for a number that is missing unless that is to be masked, and for what is no number.
    """
    kind = READERS.get(ending(path))
    if kind is None:
        raise BadData(path, f"its ending says no format of a series; there are {', '.join(READERS)} (also .gz, .xz)")
    found = kind(path)
    if not found.columns:
        raise BadData(path, "there is no column beside the time")
    chosen = _chosen(found, columns)
    if not len(chosen):
        raise BadData(path, "there is a header but no row")
    _check(chosen, missing)
    return chosen


def _chosen(found: Measurements, columns: Sequence[str] | None) -> Measurements:
    if columns is None:
        return found
    for name in columns:
        if name not in found.columns:
            hint = did_you_mean(name, found.columns)
            raise BadData(found.path, f"no column '{name}'; there are {', '.join(found.columns)}.{hint}")
    places = [found.columns.index(name) for name in columns]
    return Measurements(found.path, tuple(columns), found.values[:, places], found.first_row)


def _check(found: Measurements, missing: Missing) -> None:
    for what, wrong in (("is infinite", np.isinf(found.values)), ("is missing (NaN)", np.isnan(found.values))):
        if wrong.any() and (what == "is infinite" or missing == "refuse"):
            step, column = np.argwhere(wrong)[0].tolist()
            remedy = "" if what == "is infinite" else ": fill it in, or set data.missing to mask"
            raise BadData(found.path, f"column '{found.columns[column]}' {what}{remedy}", row=step + found.first_row)
    if (empty := np.isnan(found.values).all(0)).any():
        raise BadData(found.path, f"column '{found.columns[int(empty.argmax())]}' has not one number")


def _separated(path: Path) -> Measurements:
    text = read_text(path)
    reader = csv.reader(io.StringIO(text), delimiter="\t" if ending(path) == ".tsv" else ",")
    header = [name.strip() for name in next(reader)]
    rows = []
    for row, cells in enumerate(reader, start=2):
        # an empty line says nothing, not even that a step is missing
        if not cells:
            raise BadData(path, "an empty line: a series has a line for each step", row=row)
        if len(cells) != len(header):
            raise BadData(path, f"{len(cells)} columns where the header has {len(header)}", row=row)
        rows.append([_number(path, header[i], cell, row) for i, cell in enumerate(cells) if i])
    values = np.array(rows, dtype=np.float64).reshape(len(rows), len(header) - 1)
    return Measurements(path, tuple(header[1:]), values, first_row=2)


def _number(path: Path, column: str, cell: str, row: int) -> float:
    if cell.strip().lower() in NOT_THERE:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        raise BadData(path, f"column '{column}' is no number: '{cell[:40]}'", row=row) from None


def _array(path: Path) -> Measurements:
    try:
        return _of_arrays(path, {"": np.load(io.BytesIO(read_bytes(path)), allow_pickle=False)})
    except (OSError, ValueError, EOFError) as error:
        raise BadData(path, f"not an array (.npy) of numbers, or damaged: {error}") from None


def _archive(path: Path) -> Measurements:
    try:
        with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as archive:
            return _of_arrays(path, {name: archive[name] for name in archive.files})
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise BadData(path, f"not an archive of arrays (.npz) of numbers, or damaged: {error}") from None


def _of_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> Measurements:
    """One array [n c], or several [n]. Raises ValueError for others."""
    numbers = {name: array.astype(np.float64) for name, array in arrays.items() if array.dtype.kind in "fiub"}
    if len(numbers) == 1:
        [(name, array)] = numbers.items()
        if array.ndim == 2:
            return Measurements(path, tuple(map(str, range(array.shape[1]))), array)
        numbers = {name or "0": array}
    if not numbers or any(a.ndim != 1 or len(a) != len(next(iter(numbers.values()))) for a in numbers.values()):
        shapes = ", ".join(f"{name or 'it'} {a.dtype} {list(a.shape)}" for name, a in arrays.items())
        raise ValueError(f"one array [n c] or several [n] of equal length are wanted, there are {shapes}")
    return Measurements(path, tuple(numbers), np.stack(list(numbers.values()), axis=1))


def _parquet(path: Path) -> Measurements:
    try:
        import pyarrow
        from pyarrow import parquet as files
    except ModuleNotFoundError:
        raise MissingExtra(f"{path}: Parquet files need pyarrow: pip install 'swapformer[data]'") from None
    try:
        table = files.ParquetFile(pyarrow.BufferReader(read_bytes(path))).read(use_threads=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise BadData(path, f"not a Parquet file, or damaged: {error}") from None
    names = tuple(table.column_names[1:])
    return Measurements(path, names, _numbers(path, names, table).reshape(table.num_rows, len(names)))


def _numbers(path: Path, names: Sequence[str], table: Any) -> np.ndarray:
    columns = []
    for name in names:
        values = [float("nan") if value is None else value for value in table.column(name).to_pylist()]
        if wrong := [i for i, value in enumerate(values) if not isinstance(value, int | float)]:
            raise BadData(path, f"column '{name}' is no number: '{str(values[wrong[0]])[:40]}'", row=wrong[0] + 1)
        columns.append(values)
    return np.array(columns, dtype=np.float64).T


READERS: Mapping[str, Callable[[Path], Measurements]] = {
    ".csv": _separated,
    ".tsv": _separated,
    ".npy": _array,
    ".npz": _archive,
    ".parquet": _parquet,
}
"""What reads a file, by its ending."""
