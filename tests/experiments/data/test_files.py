"""Errors of bad files name the file, the row and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.data.errors import BadData
from experiments.data.files import read_bytes, read_table, read_text


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f.tsv: the file is empty"),
        (b"\n \n", "f.tsv: the file is empty"),
        (
            "label\ttext\nx\tcaf\u00e9\n".encode("latin-1"),
            "f.tsv:2: not UTF-8: byte 0xe9 at offset 16; save it as UTF-8",
        ),
        (b"\xff\xfel\x00a\x00", "f.tsv:1: not UTF-8"),
        (b"label\ttext\n", "f.tsv: there is a header but no row"),
        (
            b"lable\ttext\na\tb\n",
            "f.tsv:1: no column 'label'; its columns, named by the first row, are lable, text. Did you mean 'lable'?",
        ),
        (b"label\ttext\na\tb\na b\n", "f.tsv:3: 1 columns where the header has 2"),
        (b"label\ttext\na\tb\tc\n", "f.tsv:2: 3 columns where the header has 2"),
        (b"label\ttext\n\na\t \n", "f.tsv:3: column 'text' is empty"),
    ],
)
def test_bad_table(content: bytes, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "f.tsv", content)
    with pytest.raises(BadData) as error:
        read_table(path, ["label", "text"])
    assert message in str(error.value)


def test_good_table(tmp_path: Path) -> None:
    path = write(tmp_path / "f.tsv", b"\xef\xbb\xbflabel\tid\ttext\r\na\t1\tx y\r\n\r\nb\t2\tz\r\n")
    table = read_table(path, ["text", "label"])
    assert table.columns == {"text": ["x y", "z"], "label": ["a", "b"]}
    assert table.rows == [2, 4]
    assert len(table) == 2


def test_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadData) as error:
        read_bytes("nowhere.txt")
    assert str(error.value) == f"nowhere.txt: there is no such file (looked for {tmp_path}/nowhere.txt)"
    with pytest.raises(BadData, match="cannot be read: Is a directory"):
        read_text(tmp_path)
