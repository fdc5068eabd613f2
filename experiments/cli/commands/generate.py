"""`swapformer generate`: continue a prompt with a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments.cli.options import plugin_option
from experiments.cli.stdin import stdin_lines

if TYPE_CHECKING:
    from blocks.generation import Decoding
    from experiments.cli.writer import Writer

TOGETHER = 16


@click.command("generate")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("prompt", required=False)
@click.option(
    "--file", "prompts", type=click.Path(path_type=Path), metavar="FILE", help="Prompts, one a line; - for stdin."
)
@click.option(
    "-o", "--output", metavar="FILE", help="Write JSONL, a line for each prompt.  [with --file: the terminal]"
)
@click.option("-f", "--force", is_flag=True, help="Write over the output.")
@click.option("-n", "--max-new-tokens", default=200, show_default=True, type=click.IntRange(min=1), metavar="N")
@click.option("--temperature", default=0.0, show_default=True, metavar="T", help="0 takes the likeliest token.")
@click.option("--top-k", type=click.IntRange(min=1), metavar="K", help="Sample among the K likeliest tokens.")
@click.option("--top-p", type=float, metavar="P", help="Sample among the fewest tokens with probability P together.")
@click.option("--beams", default=1, show_default=True, type=click.IntRange(min=1), help="Width of a beam search.")
@click.option("--length-penalty", default=0.6, show_default=True, metavar="A", help="Of the beam search; 0 for none.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the sampling.")
@plugin_option
def command(
    run: Path,
    prompt: str | None,
    prompts: Path | None,
    output: str | None,
    force: bool,
    plugins: tuple[str, ...],
    seed: int,
    **options: Any,
) -> None:
    """Continue PROMPT with the model in RUN; one with an encoder and a decoder translates, or answers, PROMPT.

    RUN is the folder of a run or a sweep (its best trial), or of a model with its weights: model.safetensors beside a
    spec.yaml or config.json, and a tokenizer.json; without that, PROMPT is token ids: "12 7 300".

    Text appears as it is generated, except with --beams. Prompts of a file are read 16 together; each line of JSONL
    holds "input" and "output".

    \b
    swapformer generate runs/demo "My fellow Americans" --temperature 0.8
    swapformer generate runs/translate "It is good." --beams 4
    swapformer generate runs/translate --file lines.txt -o translated.jsonl
    """
    if (prompt is None) == (prompts is None):
        raise click.UsageError("give a PROMPT, or a file of them by --file")
    from blocks.generation import Decoding
    from experiments.cli.jsonl import JsonLines
    from experiments.cli.writer import writer_of

    target = JsonLines(output or "-", force=force)
    lines = [prompt or ""] if prompts is None else _lines(prompts)
    writer = writer_of(run, plugins)
    try:
        decoding = Decoding(**options, stop=writer.vocabulary.stop)
        if prompts is None and output is None:
            _show(writer, lines[0], decoding, seed)
            return
        with target:
            _write(writer, lines, decoding, seed, target)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if target.path is not None:
        click.echo(f"wrote {target.path}: {target.lines} lines", err=True)


def _lines(path: Path) -> list[str]:
    """The lines of a file that are not empty. Raises BadData."""
    from experiments.data.errors import BadData
    from experiments.data.files import read_text

    lines = [line for line in (stdin_lines() if str(path) == "-" else read_text(path).splitlines()) if line.strip()]
    if not lines:
        raise BadData(path, "there is no prompt in it")
    return lines


def _show(writer: Writer, prompt: str, decoding: Decoding, seed: int) -> None:
    """The prompt, unless it is answered, and what follows, as it comes."""
    if decoding.beams > 1:
        pieces = iter(writer.write([prompt], decoding, seed))
    else:
        pieces = writer.stream(prompt, decoding, seed)
    # what cannot be continued is refused before anything is shown
    first = next(pieces, "")
    click.echo(("" if writer.answers else prompt) + first, nl=False)
    for piece in pieces:
        click.echo(piece, nl=False)
    click.echo()


def _write(writer: Writer, prompts: list[str], decoding: Decoding, seed: int, target: Any) -> None:
    for first in range(0, len(prompts), TOGETHER):
        some = prompts[first : first + TOGETHER]
        for prompt, text in zip(some, writer.write(some, decoding, seed + first), strict=True):
            target.write({"input": prompt, "output": text})
