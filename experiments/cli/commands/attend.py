"""`swapformer attend`: what a trained model attends to, as a page and as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from experiments.cli.folders import claim
from experiments.cli.options import plugin_option
from experiments.cli.weights import has_weights

if TYPE_CHECKING:
    from blocks.topology import Topology
    from experiments.attention_maps.reading import Reading
    from experiments.attention_maps.vocabulary import Vocabulary


def _numbers(_: click.Context, __: click.Parameter, value: str | None) -> frozenset[int] | None:
    """`0,3-5` -> {0, 3, 4, 5}."""
    if value is None:
        return None
    found: set[int] = set()
    for piece in value.split(","):
        first, _dash, last = (word.strip() for word in piece.partition("-"))
        last = last or first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last) < 10_000):
            raise click.BadParameter(f"'{value}' is no list of numbers such as 0,3-5")
        found |= set(range(int(first), int(last) + 1))
    return frozenset(found)


@dataclass(frozen=True)
class Subject:
    """A model to look at. home: where its maps go unless said otherwise. trained: tokens in a row of its training."""

    model: Topology
    vocabulary: Vocabulary
    home: Path
    trained: int | None = None


@click.command("attend")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("text")
@click.option("--target", metavar="TEXT", help="What the decoder of an encoder-decoder reads; its own greedy answer.")
@click.option("--start", metavar="TOKEN", help="What a target begins with, where the folder does not say.")
@click.option("--layers", callback=_numbers, metavar="LIST", help="Only these layers, from 0: 0,3-5.")
@click.option("--heads", callback=_numbers, metavar="LIST", help="Only these heads, from 0.")
@click.option("--limit", default=256, show_default=True, type=click.IntRange(1, 2048), help="Most tokens on a side.")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where the maps go [RUN/attention].")
@click.option(
    "--open",
    "show",
    type=click.Choice(["yes", "no"]),
    default="no",
    show_default=True,
    help="Show the page in the browser.",
)
@plugin_option
def command(
    run: Path,
    text: str,
    target: str | None,
    start: str | None,
    layers: frozenset[int] | None,
    heads: frozenset[int] | None,
    limit: int,
    out: Path | None,
    show: str,
    plugins: tuple[str, ...],
) -> None:
    """Draw what the model in RUN attends to while it reads TEXT.

    RUN is the folder of a run or a sweep (its best trial), or of a model with its weights: model.safetensors beside a
    spec.yaml or config.json, and a tokenizer.json; without that, TEXT is token ids: "12 7 300". An encoder-decoder
    reads TEXT as its source.

    Writes attention.html, one file that opens offline: every head of every layer, large or small; which tokens a token
    looks at, and by which it is looked at; which heads link two tokens. And encoder.png, decoder.png, cross.png. The
    next call writes over them, unless -o names another folder. The weights are those that the model computes with, of
    sparse kinds too; layers whose attention has none are named.

    \b
    swapformer attend runs/demo "The animal crossed, as it was not too tired."
    swapformer attend runs/translate "It is good." --target "Es bueno."
    swapformer attend runs/demo "To be" --layers 0,2-3 --heads 1 -o maps
    """
    from experiments.attention_maps import write_maps
    from experiments.attention_maps.reading import read

    subject = _subject(run, start, plugins)
    try:
        reading = read(subject.model, subject.vocabulary, text, target, limit=limit, layers=layers, heads=heads)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    for name, stream in reading.streams.items():
        if subject.trained is not None and len(stream.words) > subject.trained:
            click.echo(
                f"note: the {name} has {len(stream.words)} tokens, the model was trained on {subject.trained}", err=True
            )
    for stack in reading.stacks:
        for layer in stack.layers:
            if layer.weights is None:
                click.echo(f"note: {stack.name}, layer {layer.layer}: {layer.why}", err=True)
    folder = subject.home / "attention" if out is None else out
    claim(folder)
    page, *pictures = write_maps(
        reading, folder, str(subject.home), text, list(_facts(subject.model, reading)), some_heads=heads is not None
    )
    click.echo(f"pictures: {', '.join(map(str, pictures))}")
    click.echo(f"page: {page}")
    if show == "yes":
        click.launch(str(page))


def _subject(run: Path, start: str | None, plugins: tuple[str, ...]) -> Subject:
    """The model of a run or of a folder with weights. Raises SpecError for one that cannot be read."""
    from experiments.attention_maps.vocabulary import RunVocabulary, vocabulary_in

    if has_weights(run):
        from blocks.topology import Topology
        from registry.errors import Problem, SpecError
        from registry.pretrained import load_pretrained

        try:
            vocabulary, model = vocabulary_in(run, start), load_pretrained(run, plugins=plugins)
        except ValueError as error:
            raise SpecError([Problem("", str(error))]) from None
        assert isinstance(model, Topology)
        return Subject(model, vocabulary, run)
    from experiments.trained import load_trained

    if start is not None:
        raise click.UsageError("a run knows how its targets begin: leave --start out")
    trained = load_trained(run, plugins)
    if trained.folder != run:
        click.echo(f"the best trial: {trained.folder}", err=True)
    return Subject(trained.model, RunVocabulary(trained.data), trained.folder, trained.data.length)


def _facts(model: Topology, reading: Reading) -> Iterator[str]:
    """What the model is and how much of it is shown, a few words each."""
    from experiments.results.words import times
    from registry.part import part_of

    known = part_of(type(model))
    yield type(model).__name__ if known is None else known.kind
    for stack in reading.stacks:
        kinds = dict.fromkeys(layer.kind for layer in stack.layers)
        heads = max((len(layer.heads) for layer in stack.layers), default=0)
        sizes = f"{times(len(stack.layers), 'layer')} of {times(heads, 'head')}" if heads else "no maps"
        yield f"{stack.name + ': ' if len(reading.stacks) > 1 else ''}{sizes}, {', '.join(kinds)}"
    for name, stream in reading.streams.items():
        yield times(len(stream.words), "token" if name == "text" else f"{name} token")
