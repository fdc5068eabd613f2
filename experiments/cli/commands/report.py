"""`swapformer report`: what a run or a sweep has so far."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.cli.options import plugin_option


@click.command("report")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--figures", is_flag=True, help="Draw every chart as SVG and PNG too, into DIR/figures.")
@click.option("--attend", metavar="TEXT", help="Show what trained models attend to while they read TEXT.")
@click.option(
    "--variants", multiple=True, metavar="LABEL", help="Whose models --attend looks at; several times [best, baseline]."
)
@plugin_option
def command(
    folder: Path, figures: bool, attend: str | None, variants: tuple[str, ...], plugins: tuple[str, ...]
) -> None:
    """Rank what the run or sweep in DIR has so far, and write its page.

    Works while it still trains. Writes report.html (one file, opens offline), results.csv, results.md and results.tex
    into DIR.

    \b
    swapformer report runs/demo
    swapformer report runs/demo --figures
    swapformer report runs/demo --attend "To be" --variants "full / rotary / pre"
    """
    from experiments.console import console
    from experiments.display.tables import ranked_table
    from experiments.report import build_report
    from experiments.results import read_results

    if variants and attend is None:
        raise click.UsageError("--variants says whose attention maps are shown; give the text that they read: --attend")
    results = read_results(folder)
    maps = []
    if attend is not None:
        from experiments.cli.trial_maps import trial_maps

        maps = trial_maps(results, attend, variants, plugins=plugins)
    ranked_table(results, console())
    for problem in results.problems:
        click.echo(f"note: {problem}", err=True)
    click.echo(f"report: {build_report(folder, attention=maps, figures=figures)}")
