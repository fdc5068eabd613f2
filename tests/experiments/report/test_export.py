"""The copies beside the report: a table for programs and one for documents."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

from experiments.report import build_report
from experiments.report.export import defused, escaped
from experiments.results import read_results


def test_csv_has_every_row_at_full_precision(sweep: Path) -> None:
    build_report(sweep)
    with (sweep / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    results = read_results(sweep)
    assert len(rows) == 17
    assert [row["kind"] for row in rows].count("reference") == 1
    assert all(None not in row and None not in row.values() for row in rows)
    for row, result in zip([row for row in rows if row["kind"] != "reference"], results.ranked, strict=True):
        assert result.estimate is not None
        assert float(row["mean"]) == result.estimate.mean
        assert int(row["n"]) == result.estimate.n
        assert row["model.attention"] == result.variant.values["model.attention"]


def test_csv_defuses_formulas_in_text_but_keeps_negative_numbers(make_sweep: Callable[..., Path]) -> None:
    folder = make_sweep(hostile=True)
    build_report(folder)
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    for cell in cells:
        if cell[:1] in ("=", "+", "-", "@"):
            float(cell)


def test_defused() -> None:
    assert [defused(cell) for cell in ("=1", "+1", "-1", "@x", " =1", "\t=1")] == [
        "'=1", "'+1", "'-1", "'@x", "' =1", "'\t=1",
    ]  # fmt: skip
    assert [defused(cell) for cell in ("full", -0.5, None, "")] == ["full", -0.5, "", ""]


def test_markdown(make_sweep: Callable[..., Path]) -> None:
    folder = make_sweep(hostile=True)
    build_report(folder)
    text = (folder / "results.md").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "bigram model" in text
    assert "Left out:" in text
    assert re.search(r"^- .*: positions are told twice", text, re.MULTILINE)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 19
    assert {line.replace("\\|", "").count("|") for line in table} == {11}
    assert escaped("a|b_<c>`") == "a\\|b\\_&lt;c&gt;\\`"
