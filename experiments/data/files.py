"""Reading text and tables from disk, with errors that name the file and the row."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.data.errors import BadData
from registry.errors import did_you_mean

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
"""The texts that ship with the package, one folder each."""


def read_bytes(path: Path | str) -> bytes:
    """The content of a file that must not be empty; of a compressed one (.gz, .xz) what was compressed."""
    try:
        content = Path(path).expanduser().read_bytes()
    except FileNotFoundError:
        raise BadData(path, f"there is no such file (looked for {Path(path).expanduser().absolute()})") from None
    except OSError as error:
        raise BadData(path, f"cannot be read: {error.strerror}") from None
    try:
        match Path(path).suffix:
            case ".gz":
                content = gzip.decompress(content)
            case ".xz":
                content = lzma.decompress(content)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadData(path, f"damaged, or not compressed as its name says: {error}") from None
    if not content.strip():
        raise BadData(path, "the file is empty")
    return content


def read_text(path: Path | str) -> str:
    """The content of a UTF-8 file; a byte-order mark at its start is dropped."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        bad = content[error.start]
        raise BadData(path, f"not UTF-8: byte 0x{bad:02x} at offset {error.start}; save it as UTF-8", row=row) from None


@dataclass(frozen=True)
class Table:
    """Columns of a tab-separated file. `rows[i]` is the line number in the file of the i-th record."""

    path: Path
    columns: dict[str, list[str]]
    rows: list[int]

    def __len__(self) -> int:
        return len(self.rows)


def read_table(path: Path | str, names: Sequence[str]) -> Table:
    """The named columns of a tab-separated file with a header row and no quoting; blank lines are skipped."""
    lines = read_text(path).splitlines()
    header = lines[0].split("\t")
    for name in names:
        if name not in header:
            found = f"its columns, named by the first row, are {', '.join(header)}"
            about = f"no column '{name}'; {found}.{did_you_mean(name, header)}"
            raise BadData(path, about, row=1)
    where = [header.index(name) for name in names]
    columns: dict[str, list[str]] = {name: [] for name in names}
    rows: list[int] = []
    for row, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != len(header):
            raise BadData(path, f"{len(cells)} columns where the header has {len(header)}", row=row)
        for name, column in zip(names, where, strict=True):
            if not cells[column].strip():
                raise BadData(path, f"column '{name}' is empty", row=row)
            columns[name].append(cells[column])
        rows.append(row)
    if not rows:
        raise BadData(path, "there is a header but no row")
    return Table(Path(path), columns, rows)
