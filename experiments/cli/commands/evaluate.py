"""`swapformer evaluate`: a trained model on a split of its data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments.cli.options import plugin_option

if TYPE_CHECKING:
    from experiments.evaluating import Split
    from experiments.trained import Trained


@click.command("evaluate")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--split", type=click.Choice(["test", "valid"]), default="test", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Write what the model says to every row, as JSONL; - prints it.")
@click.option("-f", "--force", is_flag=True, help="Write over FILE.")
@plugin_option
def command(run: Path, split: Split, output: str | None, force: bool, plugins: tuple[str, ...]) -> None:
    """Evaluate the model trained in RUN, of a sweep's folder that of its best trial, on a split of its data.

    The weights are those that did best in validation, and the numbers those that the training reports for them.
    Writes RUN/evaluation-SPLIT.json; the summary of the training stays as it is.

    \b
    swapformer evaluate runs/demo --split valid
    swapformer evaluate runs/classify -o answers.jsonl
    """
    from experiments.atomic import write_json
    from experiments.cli.jsonl import JsonLines
    from experiments.evaluating import demand_split, evaluate, limits
    from experiments.trained import load_trained
    from experiments.training.fitting import finite

    answers = None if output is None else JsonLines(output, force=force)
    trained = load_trained(run, plugins)
    if trained.folder != run:
        click.echo(f"the best trial: {trained.folder}", err=True)
    demand_split(trained, split)
    if trained.data.fingerprint() != trained.fingerprint:
        click.echo("note: the data have changed since the model was trained", err=True)
    metrics = evaluate(trained, split)
    for name, value in metrics.items():
        click.echo(f"{name} {value:.5g}", err=output == "-")
    limit = limits(trained.spec["trainer"], split)
    if limit is not None:
        click.echo(f"note: the spec has only {limit} of the batches evaluated", err=True)
    facts: dict[str, Any] = {"split": split, "metrics": finite(metrics), "step": trained.step, "limit": limit}
    path = trained.folder / f"evaluation-{split}.json"
    write_json(path, facts)
    click.echo(f"wrote {path}", err=output == "-")
    if answers is not None:
        _answer(trained, answers, split)


def _answer(trained: Trained, answers: Any, split: Split) -> None:
    from experiments.evaluating import answers_on

    try:
        with answers:
            for answer in answers_on(trained, split):
                answers.write(answer)
    except NotImplementedError as error:
        raise click.UsageError(str(error)) from None
    if answers.path is not None:
        click.echo(f"wrote {answers.path}: {answers.lines} answers")
