"""`swapformer generate`: continue a prompt with a trained model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments.cli.options import plugin_option

if TYPE_CHECKING:
    from blocks.generation import Decoding
    from blocks.topology import Topology
    from experiments.data.tokenizers import Tokenizer


@click.command("generate")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("prompt")
@click.option("-n", "--max-new-tokens", default=200, show_default=True, type=click.IntRange(min=1), metavar="N")
@click.option("--temperature", default=0.0, show_default=True, metavar="T", help="0 takes the likeliest token.")
@click.option("--top-k", type=click.IntRange(min=1), metavar="K", help="Sample among the K likeliest tokens.")
@click.option("--top-p", type=float, metavar="P", help="Sample among the fewest tokens with probability P together.")
@click.option("--beams", default=1, show_default=True, type=click.IntRange(min=1), help="Width of a beam search.")
@click.option("--length-penalty", default=0.6, show_default=True, metavar="A", help="Of the beam search; 0 for none.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the sampling.")
@plugin_option
def command(run: Path, prompt: str, plugins: tuple[str, ...], seed: int, **options: Any) -> None:
    """Continue PROMPT with the model trained in RUN; of a sweep's folder, with its best trial.

    A translation model translates PROMPT. Text appears as it is generated, except with --beams.

    \b
    swapformer generate runs/demo "My fellow Americans" --temperature 0.8
    """
    from blocks.generation import Decoding
    from experiments.trained import load_trained

    trained = load_trained(run, plugins)
    if trained.folder != run:
        click.echo(f"the best trial: {trained.folder}", err=True)
    if "next token" not in trained.model.provides:
        raise click.UsageError(f"the model in {run} does not predict tokens: {trained.spec['task']['kind']}")
    if trained.data.tokenizer is None:
        raise click.UsageError(f"the model in {run} reads no text: see `swapformer predict`")
    if not prompt:
        raise click.UsageError("the prompt is empty")
    try:
        decoding = Decoding(**options, stop=_stop(trained.data.tokenizer))
        for piece in _pieces(trained.model, trained.data.tokenizer, prompt, decoding, seed):
            click.echo(piece, nl=False)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    click.echo()


def _stop(tokenizer: Tokenizer) -> int | None:
    return tokenizer.special("<eos>") if tokenizer.specials else None


def _pieces(model: Topology, tokenizer: Tokenizer, prompt: str, decoding: Decoding, seed: int) -> Iterator[str]:
    """The text in the pieces in which it becomes known."""
    import torch

    from blocks.generation import generate, stream

    ids = torch.from_numpy(tokenizer.encode(prompt.encode())).long()[None]
    start = ids
    given: dict[str, Any] = {}
    if "source" in model.provides:
        stop = torch.tensor([[tokenizer.special("<eos>")]])
        start, given = torch.tensor([[tokenizer.special("<bos>")]]), {"source": torch.cat([ids, stop], 1)}
    else:
        yield prompt
    if decoding.beams > 1:
        yield tokenizer.decode(generate(model, start, decoding, **given)[0].tolist())
        return
    random = torch.Generator().manual_seed(seed)
    shown, found = "", []
    for step in stream(model, start, decoding, generator=random, **given):
        found.append(int(step[0]))
        text = tokenizer.decode(found)
        # a character of several bytes is shown when its last byte has come
        whole = text.rstrip("\ufffd")
        if len(whole) > len(shown) and whole.startswith(shown):
            yield whole[len(shown) :]
            shown = whole
    rest = tokenizer.decode(found)[len(shown) :]
    if rest:
        yield rest
