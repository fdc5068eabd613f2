"""`swapformer describe`: what a spec builds and what it costs."""

from __future__ import annotations

from typing import Any

import click

from experiments.cli.options import load_spec, spec_options


@click.command("describe")
@spec_options
@click.option("--length", type=click.IntRange(1, 10**6), help="Tokens in a sequence; the data's unless given.")
@click.option("--yaml", "only_yaml", is_flag=True, help="Print the resolved spec alone, to save it.")
def command(
    spec: str, overrides: tuple[str, ...], plugins: tuple[str, ...], trust: bool, length: int | None, only_yaml: bool
) -> None:
    """What SPEC builds: every setting with its default, the layers, parameters, FLOPs.

    Nothing is computed: the model is built on torch's meta device, so that any size can be looked at.
    """
    loaded = load_spec(spec, overrides, plugins, trust)
    from experiments.cli.building import STAND_IN, sized
    from registry.yaml_writer import dump_yaml

    full = sized(loaded.full, loaded.catalog)
    if only_yaml:
        click.echo(dump_yaml(loaded.full if loaded.full["data"] is None else full), nl=False)
        return
    if loaded.full["data"] is None and loaded.full["model"]["vocab"] is None:
        click.echo(f"note: without data, a vocabulary of {STAND_IN['vocab']} tokens stands in", err=True)
    click.echo(dump_yaml(_without_nulls(full)))
    data_length = (full["data"] or {}).get("length")
    _print_model(full, loaded.catalog, length or data_length or 128)


def _print_model(full: Any, catalog: Any, length: int) -> None:
    from experiments.cli.layer_tree import layer_tree
    from experiments.console import console, table
    from experiments.measure import TRAINING, flops_per_token, parameters_by_part
    from experiments.results.words import count
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
    length = min(length, getattr(model, "longest", None) or length)
    flops = flops_per_token(model, length)
    click.echo(
        f"FLOPs per token at length {length}: {count(flops)} forward, {count(TRAINING * flops)} in training "
        "(matrix products alone)"
    )


def _without_nulls(value: Any) -> Any:
    """The spec as a person would write it: what is null is as good as absent."""
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
