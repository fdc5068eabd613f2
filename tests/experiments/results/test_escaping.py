"""What others wrote, taken literally by spreadsheets, Markdown and LaTeX."""

from __future__ import annotations

import pytest

from experiments.results.escaping import defused, latex, markdown
from experiments.results.formats import as_csv, as_json, as_latex, as_markdown
from experiments.results.table import Table


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1"])
def test_formulas_are_text(start: str) -> None:
    assert defused(start) == f"'{start}"


def test_numbers_and_plain_text_stay() -> None:
    assert [defused(cell) for cell in (-1.5, 0, None, "a-b", "")] == [-1.5, 0, "", "a-b", ""]


def test_latex() -> None:
    assert latex("50% of a_b & $x^2$ #1 {~}\\") == (
        r"50\% of a\_b \& \$x\textasciicircum{}2\$ \#1 \{\textasciitilde{}\}\textbackslash{}"
    )
    # after a line break, \\[ and \\* mean something
    assert latex("[a] *") == "{[}a] {*}"
    assert latex("\u2212 \u2013 \u00b1 \u2026 \u00e9 \x1b\n") == r"$-$ -- $\pm$ \dots{} é   "


def test_markdown() -> None:
    assert markdown("a|b <i>*x*</i> & [l](u) `c`") == r"a\|b &lt;i&gt;\*x\*&lt;/i&gt; &amp; \[l\](u) \`c\`"


def test_tables() -> None:
    table = Table(("a_b", "n", "x"), (("=1", 2, 0.123456), ("[", None, None)))
    assert as_csv(table) == "a_b,n,x\n'=1,2,0.123456\n[,,\n"
    assert as_json(table).count("null") == 2
    assert as_markdown(table) == "| a\\_b | n | x |\n|---|---:|---:|\n| =1 | 2 | 0.12346 |\n| \\[ | \u2013 | \u2013 |\n"
    lines = as_latex(table).splitlines()
    assert lines[1:4] == [r"\begin{tabular}{lrr}", r"\toprule", r"a\_b & n & x \\"]
    assert lines[5:7] == [r"=1 & 2 & 0.12346 \\", r"{[} & -- & -- \\"]
