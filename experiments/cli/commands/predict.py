"""`swapformer predict`: what a trained model says to new inputs."""

from __future__ import annotations

import io
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from experiments.cli.folders import claim
from experiments.cli.options import plugin_option
from experiments.cli.stdin import stdin_lines

if TYPE_CHECKING:
    from rich.progress import Progress

    from experiments.cli.jsonl import JsonLines
    from experiments.predicting import Prediction
    from experiments.trained import Trained

Read = Literal["text", "file"] | None


@click.command("predict")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--text", "read", flag_value="text", default=None, help="Every INPUT is a text, also where a file has its name."
)
@click.option("--file", "read", flag_value="file", help="Every INPUT is a file or a folder.")
@click.option("-o", "--output", metavar="FILE", help="Write the answers as JSONL, one a line; - prints them so.")
@click.option("-f", "--force", is_flag=True, help="Write over FILE.")
@click.option("--figures", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Draw a PNG for each.")
@plugin_option
def command(
    run: Path,
    inputs: tuple[str, ...],
    read: Read,
    output: str | None,
    force: bool,
    figures: Path | None,
    plugins: tuple[str, ...],
) -> None:
    """Ask the model trained in RUN, of a sweep's folder its best trial, about every INPUT.

    INPUT is a text, a file, or a folder of files, such as the model was trained on; - reads texts from the standard
    input, one a line. What it may be and what the answer holds depends on the objective: docs/tasks.md.

    One that cannot be used is told of, the others are answered, and the exit code is 2.

    \b
    swapformer predict runs/classify "a small bird that sings"
    swapformer predict runs/vit images/ -o answers.jsonl --figures pictures
    cat lines.txt | swapformer predict runs/classify - -o -
    """
    from experiments.cli.jsonl import JsonLines
    from experiments.trained import load_trained

    target = None if output is None else JsonLines(output, force=force)
    trained = load_trained(run, plugins)
    if trained.folder != run:
        click.echo(f"the best trial: {trained.folder}", err=True)
    if figures is not None:
        claim(figures)
    asked = Asked(trained, target, figures)
    with target or nullcontext(), asked.progress:
        asked.answer(_sources(inputs, read), headed=len(inputs) > 1 or inputs[0] == "-")
    if target is not None and target.path is not None:
        click.echo(f"wrote {target.path}: {target.lines} answers" if target.lines else "nothing was answered", err=True)
    if figures is not None and asked.done:
        click.echo(f"pictures: {asked.drawn} in {figures}" if asked.drawn else "this task draws no pictures", err=True)
    raise SystemExit(2 if asked.bad else 0)


class Asked:
    """The answers on their way to the terminal, to a file, and into pictures."""

    def __init__(self, trained: Trained, target: JsonLines | None, figures: Path | None) -> None:
        self.trained, self.target, self.figures = trained, target, figures
        self.progress = _bar(shown=target is not None and target.path is not None)
        self.bar = self.progress.add_task("", total=0)
        self.done = self.rows = self.drawn = self.bad = 0

    def answer(self, sources: Iterator[str | Path], *, headed: bool) -> None:
        """Answer all; headed: several are to come, so each stands under its input. Raises UsageError."""
        from experiments.predicting import predictions

        try:
            for said in predictions(self.trained, sources, self._bad, self._found):
                self.done += 1
                self._tell(said, headed or self.rows > 1)
                if self.figures is not None:
                    self._draw(said, self.figures)
                self.progress.update(self.bar, completed=self.done)
        except NotImplementedError as error:
            raise click.UsageError(str(error)) from None

    def _tell(self, said: Prediction, headed: bool) -> None:
        from experiments.cli.answer import told

        if self.target is not None:
            self.target.write({"input": said.input, **said.answer})
            return
        if headed:
            click.secho(("\n" if self.done > 1 else "") + str(said.input), bold=True)
        click.echo(told(said.answer))

    def _draw(self, said: Prediction, folder: Path) -> None:
        from experiments.atomic import write_bytes

        figure = self.trained.task.figure(said.batch, said.row, said.answer)
        if figure is None:
            return
        name = re.sub(r"[^A-Za-z0-9]+", "-", Path(str(said.input)[:200]).stem).strip("-")[:40]
        picture = io.BytesIO()
        with warnings.catch_warnings():
            # a character that no font at hand has is drawn as a box
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            figure.savefig(picture, format="png")
        write_bytes(folder / f"{self.done:04d}-{name}.png", picture.getvalue(), durable=False)
        self.drawn += 1

    def _bad(self, words: str) -> None:
        self.bad += 1
        click.echo(words, err=True)

    def _found(self, rows: int) -> None:
        self.rows += rows
        self.progress.update(self.bar, total=self.rows)


def _sources(inputs: tuple[str, ...], read: Read) -> Iterator[str | Path]:
    for word in inputs:
        if word == "-" and read != "file":
            yield from stdin_lines()
        else:
            yield _source(word, read)


def _source(word: str, read: Read) -> str | Path:
    if read == "file":
        return Path(word)
    if read is None:
        if _exists(word):
            return Path(word)
        if re.fullmatch(r"\S+\.\w{2,5}", word):
            click.echo(f"note: there is no file {word}, so it is read as a text", err=True)
    if not word.strip():
        raise click.UsageError("an input is empty")
    return word


def _exists(word: str) -> bool:
    try:
        return Path(word).exists()
    # a text may be too long for a name, or hold what no name can
    except (OSError, ValueError):
        return False


def _bar(*, shown: bool) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns: list[Any] = [MofNCompleteColumn(), BarColumn(), TimeRemainingColumn()]
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not (shown and sys.stderr.isatty()))
