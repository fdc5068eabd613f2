"""`swapformer report`: what a run or a sweep has so far."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Rank what the run or sweep in DIR has so far, and write its page.

    Works while it still trains. Writes report.html (one file, opens offline), results.csv and results.md into DIR.
    """
    from experiments.console import console
    from experiments.display.tables import ranked_table
    from experiments.report import build_report
    from experiments.results import read_results

    results = read_results(folder)
    ranked_table(results, console())
    for problem in results.problems:
        click.echo(f"note: {problem}", err=True)
    click.echo(f"report: {build_report(folder)}")
