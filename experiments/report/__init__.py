"""One self-contained HTML page per sweep, with copies of its numbers for spreadsheets, documents and papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.report.attention import AttentionMaps


def build_report(folder: Path | str, *, attention: Sequence[AttentionMaps] = (), figures: bool = False) -> Path:
    """Write `report.html`, `results.csv`, `results.md` and `results.tex` into the sweep or run at `folder`.

    attention: maps that the page shows. figures: whether each chart is drawn as SVG and PNG too, in `figures/`.
    Returns the page's path. Raises ResultsError where the folder holds no results, OSError where it cannot be written.
    """
    # Plotly, Jinja and matplotlib are loaded here, so that importing this package stays free.
    from experiments.atomic import write_text
    from experiments.report.export import write_copies
    from experiments.report.findings import findings_of
    from experiments.report.page import render_page
    from experiments.results import read_results

    results = read_results(folder)
    found = findings_of(results)
    write_copies(found)
    if figures:
        from experiments.report.figures import write_figures

        write_figures(found)
    page = results.folder / "report.html"
    write_text(page, render_page(found, attention), durable=False)
    return page


__all__ = ["build_report"]
