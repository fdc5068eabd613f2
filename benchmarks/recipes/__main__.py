"""Train recipes and write docs/recipes.md.

python -m benchmarks.recipes                    train every row that is not trained, say what came out
python -m benchmarks.recipes bert t5 --write    only these and what they start from, and write them into the page
python -m benchmarks.recipes --only-page        write the page anew from docs/recipes/results.json
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.recipes.outcome import read_outcomes, write_outcomes
from benchmarks.recipes.page import page
from benchmarks.recipes.row import Row
from benchmarks.recipes.rows import ROWS
from benchmarks.recipes.train import RecipeFailed, collect, train
from experiments.atomic import write_text
from registry.errors import did_you_mean

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "docs" / "recipes" / "results.json"
PAGE = ROOT / "docs" / "recipes.md"
SPECS = ROOT / "experiments" / "specs"


def chosen(names: Sequence[str], rows: Sequence[Row] = ROWS) -> list[Row]:
    """The rows of these names, "bert" or "recipes/bert", all without any, each behind those that it starts from.

    Raises UsageError for a name, or a spec to start from, that there is not.
    """
    by_spec = {row.spec: row for row in rows}
    short = {spec.removeprefix("recipes/"): spec for spec in by_spec}
    order: list[Row] = []

    def take(name: str, asked_by: str) -> None:
        spec = short.get(name.removeprefix("recipes/"))
        if spec is None:
            raise click.UsageError(f"{asked_by}there is no recipe '{name}'.{did_you_mean(name, list(short))}")
        for before in by_spec[spec].after:
            take(before, f"{spec}: ")
        if by_spec[spec] not in order:
            order.append(by_spec[spec])

    for name in names or by_spec:
        take(name, "")
    return order


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--write", is_flag=True, help="Keep the results, and write docs/recipes.md.")
@click.option("--runs", default="runs", show_default=True, type=click.Path(path_type=Path), help="Folder of the runs.")
@click.option("--only-page", is_flag=True, help="Train nothing; write docs/recipes.md from the results that are kept.")
def main(names: tuple[str, ...], write: bool, runs: Path, only_page: bool) -> None:
    """Train the recipes with these NAMEs, all unless given, and those that they start from."""
    outcomes, failed = read_outcomes(RESULTS), []
    asked = [] if only_page else chosen(names)
    for row in asked:
        click.secho(row.spec, bold=True)
        try:
            outcomes[row.spec] = collect(row, train(row, runs, SPECS), SPECS)
        # the others are of use all the same
        except RecipeFailed as error:
            failed.append(str(error))
            click.echo(error, err=True)
            continue
        if write:
            write_outcomes(RESULTS, outcomes)
    if write or only_page:
        write_text(PAGE, page(ROWS, outcomes))
        click.echo(f"wrote {PAGE}")
    else:
        click.echo(page(asked, outcomes))
    if failed:
        raise SystemExit(3)


if __name__ == "__main__":
    main()
