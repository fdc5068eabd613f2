"""The copies beside the report: a table for programs and one for documents."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

from experiments.report import build_report
from experiments.results import read_results
from experiments.results.escaping import defused, markdown


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
    ranking = [line for line in table if line.replace("\\|", "").count("|") == 13]
    assert len(ranking) == 19
    effects = [line for line in table if line.replace("\\|", "").count("|") == 6]
    assert len(ranking) + len(effects) == len(table)
    assert markdown("a|b_<c>`") == "a\\|b\\_&lt;c&gt;\\`"


def test_markdown_has_verdicts_effects_and_sizes(rich_sweep: Path) -> None:
    build_report(rich_sweep)
    text = (rich_sweep / "results.md").read_text(encoding="utf-8")
    results = read_results(rich_sweep)
    verdicts = [row.verdict(results.plan.metric.goal) for row in results.ranked]
    assert {"better", "worse", "baseline"} <= set(verdicts)
    assert all(f"| {markdown(verdict)} |" in text for verdict in verdicts)
    assert "Held equal:" in text
    assert re.search(r"^\| model.attention \| full \| \u2212", text, re.MULTILINE)
    assert "Shares of the variance: model.attention" in text
    assert "## Quality against size" in text


def test_latex(make_sweep: Callable[..., Path], rich_sweep: Path) -> None:
    build_report(rich_sweep)
    text = (rich_sweep / "results.tex").read_text(encoding="utf-8")
    assert text.count(r"\textbf{") == 2
    assert re.search(r"^\\textbf\{full / rotary / 128\} & \\textbf\{2\.\d+\} \$\\pm\$ 0\.\d+ & 3 &", text, re.MULTILINE)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    columns = re.search(r"begin\{tabular\}\{(\w+)\}", text)
    assert columns is not None
    assert {line.count("&") for line in rows} == {len(columns[1]) - 1}
    hostile = make_sweep(hostile=True)
    build_report(hostile)
    text = (hostile / "results.tex").read_text(encoding="utf-8")
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    # what a name holds is neither a command nor a column nor a comment
    assert re.search(r"(?<!\\)[%#_]", body) is None
    assert r"\textless{}script\textgreater{}" in body
    assert r"\{\{ 7*7 \}\}" in body or r"\{x\}" in body
