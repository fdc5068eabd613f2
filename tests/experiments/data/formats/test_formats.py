"""The same table from every format, and what is wrong with one."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from experiments.data import BadData, LabelledText, ParallelText
from experiments.data.files import read_table
from experiments.data.formats import FORMATS
from experiments.extras import MissingExtra

ROWS = [("animal", "a small cat"), ("food", "bread, \u201cdark\u201d \u2028 rye"), ("animal", 'a "dog"')]


def write(path: Path, rows: list[tuple[Any, ...]], header: tuple[str, ...] = ("label", "text")) -> Path:
    """A table in the format that the name of the file says."""
    plain = path.with_suffix("") if path.suffix in (".gz", ".xz") else path
    match plain.suffix:
        case ".tsv" | ".txt":
            content = "".join("\t".join(map(str, row)) + "\n" for row in [header, *rows]).encode()
        case ".csv":
            with open(plain, "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *rows])
            content = plain.read_bytes()
        case ".jsonl":
            content = "".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows).encode()
        case ".parquet":
            columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
            parquet.write_table(pyarrow.table(columns), plain)
            content = plain.read_bytes()
        case other:
            raise AssertionError(other)
    path.write_bytes({".gz": gzip.compress, ".xz": lzma.compress}.get(path.suffix, bytes)(content))
    return path


@pytest.mark.parametrize("packed", ["", ".gz", ".xz"])
@pytest.mark.parametrize("ending", list(FORMATS))
def test_every_format_gives_the_same_table(ending: str, packed: str, tmp_path: Path) -> None:
    table = read_table(write(tmp_path / f"t{ending}{packed}", ROWS), ["text", "label"])
    assert table.columns == {"text": [text for _, text in ROWS], "label": [label for label, _ in ROWS]}
    assert table.rows == ([2, 3, 4] if ending in (".tsv", ".txt", ".csv") else [1, 2, 3])
    assert len(table.first(2)) == 2 and table.first(2).columns["label"] == ["animal", "food"]


@pytest.mark.parametrize("ending", [".csv", ".jsonl.gz", ".parquet"])
def test_kinds_on_tables_take_every_format(ending: str, tmp_path: Path) -> None:
    paths = {name: str(write(tmp_path / f"{name}{ending}", ROWS)) for name in ("train", "valid")}
    labelled = LabelledText(0, **paths)
    assert labelled.class_names == ["animal", "food"] and len(labelled.rows("valid")) == 3
    assert labelled.fingerprint() == LabelledText(1, **paths).fingerprint() != LabelledText(0).fingerprint()
    pairs = ParallelText(0, **paths, source="text", target="label")
    assert pairs.rows("train").texts == ["animal", "food", "animal"]


def test_lines_of_quoted_cells(tmp_path: Path) -> None:
    """A row's number is that of its first line, whatever its cells hold."""
    path = tmp_path / "t.csv"
    path.write_bytes(b'label,text\r\na,"two\nlines"\r\n\r\nb,"x ""y"", z"\r\nc,' + b"long " * 40_000 + b"\r\n")
    table = read_table(path, ["text", "label"])
    assert table.columns["text"][:2] == ["two\nlines", 'x "y", z'] and len(table.columns["text"][2]) == 200_000
    assert table.rows == [2, 5, 6]


def test_numbers_and_truth_are_written_out(tmp_path: Path) -> None:
    rows = [(1, 2.5), (True, "x")]
    assert read_table(write(tmp_path / "t.jsonl", rows), ["label", "text"]).columns == {
        "label": ["1", "true"],
        "text": ["2.5", "x"],
    }
    assert read_table(write(tmp_path / "t.parquet", [(3, "x")]), ["label"]).columns == {"label": ["3"]}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b'label,text\na,"b\n', "t.csv:2: not comma-separated with quotes as usual: unexpected end of data"),
        ("t.csv", b"label,text\na,b\nc\n", "t.csv:3: 1 columns where the header has 2"),
        ("t.csv", b"label,text\n", "t.csv: there is a header but no row"),
        ("t.csv", b"label,text\na, \n", "t.csv:2: column 'text' is empty"),
        ("t.csv", b"label,text,text\na,b,c\n", "t.csv:1: there are 2 columns 'text'"),
        ("t.csv", b"lable,text\na,b\n", "by the first row, are lable, text. Did you mean 'lable'?"),
        ("t.csv", "label,text\na,caf\u00e9\n".encode("latin-1"), "t.csv:2: not UTF-8: byte 0xe9"),
        ("t.jsonl", b"", "t.jsonl: the file is empty"),
        ("t.jsonl", b'{"label": "a", "text": "x"}\n\n{"label": "a"\n', "t.jsonl:3: not JSON: Expecting ',' delimiter"),
        ("t.jsonl", b'["a", "x"]\n', "t.jsonl:1: a list where an object {...} is wanted"),
        ("t.jsonl", b'{"label": "a", "txt": "x"}\n', "no column 'text'; the keys of this object are label, txt."),
        ("t.jsonl", b'{"label": "a", "text": null}\n', "t.jsonl:1: column 'text' is null"),
        ("t.jsonl", b'{"label": "a", "text": NaN}\n', "t.jsonl:1: column 'text' is not a number (NaN)"),
        ("t.jsonl", b'{"label": "a", "text": ["x"]}\n', "t.jsonl:1: column 'text' holds a list, not text"),
        ("t.jsonl", b'{"label": "a", "text": "\\ud800"}\n', "t.jsonl:1: column 'text' holds half a character"),
        ("t.jsonl", b"[" * 100_000, "t.jsonl:1: JSON that cannot be read"),
        ("t.jsonl", b'{"label": "a", "text": "caf\xe9"}\n', "t.jsonl:1: not UTF-8"),
        ("t.parquet", b"no parquet at all", "t.parquet: not a Parquet file, or damaged"),
        ("t.parquet", b"", "t.parquet: the file is empty"),
        ("t.xlsx", b"x", "t.xlsx: its ending says no format of a table; there are .tsv, .txt, .csv, .jsonl, .parquet"),
        ("t.tsv.gz", b"x", "t.tsv.gz: damaged, or not compressed as its name says"),
        ("t.tsv.xz", lzma.compress(b"label\ttext\na\tb\n")[:-9], "t.tsv.xz: damaged, or not compressed"),
    ],
)
def test_bad_tables(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadData) as error:
        read_table(tmp_path / name, ["label", "text"])
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([("a", "x"), (None, "y")], ("label", "text"), "t.parquet:2: column 'label' is null"),
        ([], ("label", "text"), "t.parquet: there is no row"),
        ([("a", "x")], ("label", "texts"), "no column 'text'; its columns are label, texts. Did you mean 'texts'?"),
    ],
)
def test_bad_parquet(rows: list[tuple[Any, ...]], header: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadData) as error:
        read_table(write(tmp_path / "t.parquet", rows, header), ["label", "text"])
    assert message in str(error.value)


def test_parquet_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "t.parquet", ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'swapformer\[data\]'"):
        read_table(path, ["text"])
