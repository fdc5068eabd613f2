"""`swapformer results`: what trials came to, as a table for people and programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from experiments.results.plan import Plan
    from experiments.results.table import Table

FORMATS = ("table", "csv", "parquet", "md", "latex", "json")
SUFFIXES = {".csv": "csv", ".parquet": "parquet", ".md": "md", ".tex": "latex", ".json": "json", ".txt": "table"}
FOR_PEOPLE = ("table", "md", "latex")
"""Formats that show a few columns unless told which."""


@click.command("results")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--where", metavar="SQL", help="Only trials that meet a condition over the columns.")
@click.option("--columns", metavar="A,B,...", help="These columns, in this order; `all` for all of them.")
@click.option("--sort", metavar="A,-B,...", help="Sort by columns; a minus: the largest first.")
@click.option(
    "--by", type=click.Choice(["trial", "variant"]), default="trial", show_default=True, help="A row for each."
)
@click.option("--curves", is_flag=True, help="A row for each logged value instead, with its step.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="`table` unless given, or what the ending of FILE says."
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write into a file.")
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@click.option("--rebuild", is_flag=True, help="Make results.sqlite again from the trial folders, then go on.")
def command(
    folder: Path,
    where: str | None,
    columns: str | None,
    sort: str | None,
    by: str,
    curves: bool,
    form: str | None,
    output: Path | None,
    force: bool,
    rebuild: bool,
) -> None:
    """One row for each trial of the sweep or run in DIR, done or not. Changes nothing, and works while it trains.

    \b
    swapformer results runs/demo
    swapformer results runs/demo --where "seed = 0 and valid/loss < 2.5"
    swapformer results runs/demo --sort -train_seconds --columns all
    swapformer results runs/demo --by variant --format latex -o table.tex
    swapformer results runs/demo --curves -o curves.parquet

    A condition is what stands after WHERE in SQL: text in single quotes, columns by their names. With --by variant it
    picks the trials that means are taken over. Machine formats hold all columns, in full precision.

    A sweep keeps the same rows in DIR/results.sqlite, for SQLite, pandas and others: SELECT * FROM results.
    """
    if by == "variant" and curves:
        raise click.UsageError("--curves are of trials; leave out --by variant")
    form = form or (SUFFIXES.get(output.suffix.lower(), "table") if output else "table")
    if form == "parquet" and output is None:
        raise click.UsageError("Parquet is for files: name one by -o")
    from experiments.results.read import is_sweep, plan_of
    from experiments.store.reading import curves_table, opened, trials_table

    if rebuild:
        _rebuild(folder)
    problems: list[str] = []
    with opened(folder, problems, curves=curves) as connection:
        if curves:
            found = curves_table(connection, where)
        else:
            found = trials_table(connection, where)
    plan = plan_of(folder, []) if is_sweep(folder) else None
    if by == "variant":
        found = _by_variant(folder, None if where is None else found)
    for problem in problems:
        click.echo(f"note: {problem}", err=True)
    if sort is not None:
        found = found.ordered(_names(sort))
    if columns not in (None, "all"):
        found = found.picked(_names(columns or ""))
    elif columns is None and not curves and form in FOR_PEOPLE:
        found = found.picked(_worth_reading(found, plan, by))
    _write(found, form, output, force)


def _by_variant(folder: Path, chosen: Table | None) -> Table:
    """Means over the trials that were chosen, by default over all."""
    from experiments.results.by_variant import by_variant
    from experiments.results.read import read_results

    trials = None if chosen is None else {str(row[0]) for row in chosen.rows}
    return by_variant(read_results(folder, curves=False), trials)


def _names(listed: str) -> list[str]:
    """Names between commas; a name may not hold one itself."""
    return [name.strip() for name in listed.split(",") if name.strip()]


def _worth_reading(found: Table, plan: Plan | None, by: str) -> list[str]:
    """The columns that tell trials or variants apart, and what came of them."""
    metrics = [name for name in found.columns if "/" in name]
    main = plan.metric.name if plan else None
    metrics = [name for name in metrics if name == main] or metrics[:2]
    if by == "variant":
        return ["rank", "variant", *metrics[:1], *_intervals(metrics, found), "n", "verdict"]
    known = {name for place, name in enumerate(found.columns) if any(row[place] is not None for row in found.rows)}
    stages = {row[found.place("stage")] for row in found.rows}
    tuned = ["stage", "tuned"] if "tune" in stages else []
    costs = [name for name in ("parameters", "train_seconds", "tokens_per_second") if name in known]
    return ["trial", "variant", "seed", *tuned, "status", *metrics, *costs]


def _intervals(metrics: list[str], found: Table) -> list[str]:
    return [name for metric in metrics[:1] for name in (f"{metric} low", f"{metric} high") if name in found.columns]


def _write(found: Table, form: str, output: Path | None, force: bool) -> None:
    from experiments.cli.writing import may_write, write_new
    from experiments.results.formats import TEXT_FORMATS, write_parquet
    from experiments.results.words import times

    if form == "parquet" and output is not None:
        may_write(output, force=force)
        write_parquet(found, output)
    elif output is not None:
        write_new(output, TEXT_FORMATS[form](found) if form in TEXT_FORMATS else _plain(found), force=force)
    elif form in TEXT_FORMATS:
        click.echo(TEXT_FORMATS[form](found), nl=False)
    else:
        _show(found)
    if output is not None:
        click.echo(f"{output}: {times(len(found.rows), 'row')}")


def _show(found: Table) -> None:
    from rich.text import Text

    from experiments.console import console, on_terminal, table
    from experiments.results.formats import numeric_columns, rounded
    from experiments.results.words import clean

    if not on_terminal():
        click.echo(_plain(found), nl=False)
        return
    lines = table()
    for name, numeric in zip(found.columns, numeric_columns(found), strict=True):
        lines.add_column(clean(name), justify="right" if numeric else "left", overflow="fold")
    for row in rounded(found):
        lines.add_row(*map(Text, row))
    console().print(lines)


def _plain(found: Table) -> str:
    from experiments.console import aligned
    from experiments.results.formats import rounded
    from experiments.results.words import clean

    return "\n".join(aligned([[clean(name) for name in found.columns], *rounded(found)])) + "\n"


def _rebuild(folder: Path) -> None:
    from experiments.results.words import times
    from experiments.store import DATABASE, rebuild
    from experiments.training.folder_lock import only_one

    def tell(words: str) -> None:
        click.echo(f"note: {words}", err=True)

    if not folder.is_dir():
        raise click.UsageError(f"{folder} is not a folder")
    with only_one(folder, f"a sweep is running here and keeps {DATABASE} itself"):
        number = rebuild(folder, tell)
    click.echo(f"{folder / DATABASE}: {times(number, 'trial')}", err=True)
