"""`swapformer describe`: what a spec builds and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from experiments.cli.options import load_spec, spec_options

if TYPE_CHECKING:
    from registry.load import Loaded


@click.command("describe")
@spec_options
@click.option(
    "--length", type=click.IntRange(1, 10**6), help="Tokens (or patches) in a sequence; the data's unless given."
)
@click.option("--yaml", "only_yaml", is_flag=True, help="Print the resolved spec alone, to save it.")
@click.option(
    "--origin", is_flag=True, help="Print every setting with the file and line, or the override, that set it."
)
def command(
    spec: str,
    overrides: tuple[str, ...],
    plugins: tuple[str, ...],
    trust: bool,
    length: int | None,
    only_yaml: bool,
    origin: bool,
) -> None:
    """What SPEC builds: every setting with its default, the layers, parameters, FLOPs.

    Nothing is computed: the model is built on torch's meta device, so that any size can be looked at.
    """
    loaded = load_spec(spec, overrides, plugins, trust)
    if origin:
        _print_origins(loaded)
        return
    from experiments.cli.building import STAND_IN, sized, unknown_sizes
    from registry.yaml_writer import dump_yaml

    full = sized(loaded.full, loaded.catalog)
    if only_yaml:
        click.echo(dump_yaml(loaded.full if loaded.full["data"] is None else full), nl=False)
        return
    said = {"vocab": "a vocabulary of {} tokens stands in", "classes": "{} classes stand in"}
    for size in unknown_sizes(loaded.full, loaded.catalog):
        click.echo(f"note: without data, {said[size].format(STAND_IN[size])}", err=True)
    click.echo(dump_yaml(_worth_printing(full, loaded)))
    _print_model(full, loaded.catalog, length or (full["data"] or {}).get("length"))


def _print_origins(loaded: Loaded) -> None:
    """A line for each setting that is not null: its path, its value, who set it."""
    from experiments.cli.words import value_in_words
    from experiments.console import aligned
    from experiments.results.words import shorten
    from registry.errors import dotted

    def who(path: tuple[str | int, ...]) -> str:
        # a bare word stands for the kind of its block
        written = path[:-1] if path[-1] == "kind" and loaded.composed.origin(path) is None else path
        return loaded.composed.origin(written) or "default"

    rows = [(dotted(path), shorten(value_in_words(value), 30), who(path)) for path, value in _settings(loaded.full, ())]
    click.echo("\n".join(aligned(rows)))


def _settings(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _settings(inner, (*path, name))
    elif value is not None:
        yield path, value


def _print_model(full: Any, catalog: Any, length: int | None) -> None:
    from experiments.cli.layer_tree import layer_tree
    from experiments.console import console, table
    from experiments.measure import parameters_by_part
    from registry.assembly import dry_run

    model = dry_run(full["model"], catalog)
    screen = console()
    screen.print(layer_tree(model))
    parts = parameters_by_part(model)
    total = sum(parts.values())
    rows = table("part", "parameters", "share")
    for column in rows.columns[1:]:
        column.justify = "right"
    for family, number in parts.items():
        rows.add_row(family, f"{number:,}", f"{number / total:.1%}")
    rows.add_row("total", f"{total:,}", "", style="bold")
    screen.print(rows)
    _print_flops(model, length)


def _print_flops(model: Any, length: int | None) -> None:
    """For a token, or for the inputs as a whole where they are no tokens."""
    import torch

    from experiments.measure import TRAINING, flops
    from experiments.results.words import count

    length = length or _cells(model) or 128
    if "tokens" in model.embedding.provides:
        length = min(length, model.longest or length)
    with torch.device("meta"):
        inputs = model.example(1, length)
    number: float = flops(model, length)
    if any(tensor.is_floating_point() for tensor in inputs.values()):
        # the first argument is called tokens whatever it is
        shapes = [" x ".join(map(str, tensor.shape[1:])) for tensor in inputs.values() if tensor.numel()]
        what, counted = f"for an input of {' and '.join(shapes)}", "matrix products and convolutions"
    else:
        what, number, counted = f"per token at length {length}", number / length, "matrix products"
    click.echo(f"FLOPs {what}: {count(number)} forward, {count(TRAINING * number)} in training ({counted} alone)")


def _cells(model: Any) -> int | None:
    """The size of the grid that a table of positions is made for, None where there is none."""
    sizes = [p.rows * p.columns for p in model.modules() if hasattr(p, "rows") and hasattr(p, "columns")]
    return sizes[0] if sizes else None


def _worth_printing(full: Mapping[str, Any], loaded: Loaded) -> Any:
    """The spec as a person would write it; how to train is left out where nobody says a word of training."""
    is_model = full["data"] is None and full["task"] is None
    about = ("name", "about", "model", *loaded.composed.value)
    return _without_nulls({key: value for key, value in full.items() if not is_model or key in about})


def _without_nulls(value: Any) -> Any:
    """The spec as a person would write it: what is null is as good as absent."""
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
