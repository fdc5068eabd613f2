"""Series from every format, and what is wrong with them, by row and column."""

from __future__ import annotations

import lzma
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.data import BadData
from experiments.data.measurements import read_measurements
from experiments.extras import MissingExtra

VALUES = np.array([[1.5, -2.0], [3.0, 4e2], [5.0, 6.0]])
TEXT = "time,a,b\n2001,1.5,-2\n2002,3, 4e2\n2003,5,6\n"


def test_comma_and_tab(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    (tmp_path / "a.tsv").write_text(TEXT.replace(",", "\t"))
    (tmp_path / "a.csv.xz").write_bytes(lzma.compress(TEXT.encode()))
    for name in ("a.csv", "a.tsv", "a.csv.xz"):
        found = read_measurements(tmp_path / name, None, "refuse")
        assert found.columns == ("a", "b")
        np.testing.assert_array_equal(found.values, VALUES)
    np.testing.assert_array_equal(read_measurements(tmp_path / "a.csv", ["b"], "refuse").values, VALUES[:, 1:])
    np.testing.assert_array_equal(read_measurements(tmp_path / "a.csv", ["b", "a"], "refuse").values, VALUES[:, ::-1])


def test_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    np.save(tmp_path / "b.npy", VALUES[:, 0].astype(np.int64))
    np.savez(tmp_path / "c.npz", a=VALUES[:, 0], b=VALUES[:, 1], when=np.array(["x", "y", "z"]))
    np.savez(tmp_path / "d.npz", values=VALUES)
    for name, columns in {"a.npy": ("0", "1"), "c.npz": ("a", "b"), "d.npz": ("0", "1")}.items():
        found = read_measurements(tmp_path / name, None, "refuse")
        assert found.columns == columns
        np.testing.assert_array_equal(found.values, VALUES)
    assert read_measurements(tmp_path / "b.npy", None, "refuse").values.tolist() == [[1.0], [3.0], [5.0]]


def test_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    def write(name: str, b: list[object]) -> None:
        table = pyarrow.table({"time": ["x", "y", "z"], "a": VALUES[:, 0], "b": b})
        parquet.write_table(table, tmp_path / name)

    write("a.parquet", VALUES[:, 1].tolist())
    found = read_measurements(tmp_path / "a.parquet", None, "refuse")
    assert found.columns == ("a", "b")
    np.testing.assert_array_equal(found.values, VALUES)
    write("b.parquet", [1.0, None, 2.0])
    with pytest.raises(BadData, match=r"b\.parquet:2: column 'b' is missing"):
        read_measurements(tmp_path / "b.parquet", None, "refuse")
    write("c.parquet", ["1", "2", "3"])
    with pytest.raises(BadData, match=r"c\.parquet:1: column 'b' is no number: '1'"):
        read_measurements(tmp_path / "c.parquet", None, "refuse")
    (tmp_path / "d.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(BadData, match="not a Parquet file, or damaged"):
        read_measurements(tmp_path / "d.parquet", None, "refuse")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'swapformer\[data\]'"):
        read_measurements(tmp_path / "a.parquet", None, "refuse")


def test_missing_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("t,a,b\n1,1,2\n2,,NaN\n3,na,4\n")
    with pytest.raises(
        BadData, match=r"a\.csv:3: column 'a' is missing \(NaN\): fill it in, or set data.missing to mask"
    ):
        read_measurements(tmp_path / "a.csv", None, "refuse")
    found = read_measurements(tmp_path / "a.csv", None, "mask").values
    np.testing.assert_array_equal(found, [[1, 2], [np.nan, np.nan], [np.nan, 4]])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("t,a\n1,2\n2,x7\n", r"a\.csv:3: column 'a' is no number: 'x7'"),
        ("t,a\n1,2\n2,inf\n", r"a\.csv:3: column 'a' is infinite"),
        ("t,a,b\n1,2,3\n2,3\n", r"a\.csv:3: 2 columns where the header has 3"),
        ("t,a\n1,2\n\n2,3\n", r"a\.csv:3: an empty line: a series has a line for each step"),
        ("t,a\n", "there is a header but no row"),
        ("t\n1\n2\n", "there is no column beside the time"),
        ("", "the file is empty"),
        ("t,a\n1,\n2,nan\n", "column 'a' has not one number"),
    ],
)
def test_wrong_tables(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(BadData, match=problem):
        read_measurements(tmp_path / "a.csv", None, "mask")


def test_wrong_names_and_arrays(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    with pytest.raises(BadData, match="no column 'c'; there are a, b"):
        read_measurements(tmp_path / "a.csv", ["c"], "refuse")
    (tmp_path / "a.xls").write_text(TEXT)
    with pytest.raises(BadData, match="its ending says no format of a series"):
        read_measurements(tmp_path / "a.xls", None, "refuse")
    for name, content in {"b.npy": b"no array", "c.npz": b"PK no archive"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadData, match="of numbers, or damaged"):
            read_measurements(tmp_path / name, None, "refuse")
    np.savez(tmp_path / "d.npz", a=np.zeros(3), b=np.zeros(4))
    with pytest.raises(
        BadData, match=r"several \[n\] of equal length are wanted, there are a float64 \[3\], b float64 \[4\]"
    ):
        read_measurements(tmp_path / "d.npz", None, "refuse")
