"""One self-contained HTML page per sweep, with copies of its table for spreadsheets and documents."""

from __future__ import annotations

from pathlib import Path


def build_report(folder: Path | str) -> Path:
    """Write `report.html`, `results.csv` and `results.md` into the sweep or run at `folder`; returns the page's path.

    Raises ResultsError where the folder holds no results, OSError where it cannot be written to.
    """
    # Plotly and Jinja are loaded here, so that importing this package stays free.
    from experiments.atomic import write_text
    from experiments.report.export import write_csv, write_markdown
    from experiments.report.page import render_page
    from experiments.results import read_results

    results = read_results(folder)
    write_csv(results)
    write_markdown(results)
    page = results.folder / "report.html"
    write_text(page, render_page(results), durable=False)
    return page


__all__ = ["build_report"]
