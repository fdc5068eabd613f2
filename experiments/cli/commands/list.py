"""`swapformer list`: what there is."""

from __future__ import annotations

from collections.abc import Sequence

import click

from experiments.cli.options import plugin_option
from experiments.console import aligned, console, on_terminal, table
from registry.catalog import Catalog, Entry
from registry.errors import did_you_mean
from registry.slots import families_in_order

SPECS = "specs"
"""In place of a family: the specs that ship."""


@click.command("list")
@click.argument("family", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON: family, kind, summary, paper, file.")
@plugin_option
def command(family: str | None, as_json: bool, plugins: tuple[str, ...]) -> None:
    """Parts that a spec can name, by family, each with its meaning in a line.

    FAMILY: attention, position, norm, ... ; all of them unless given. `swapformer show KIND` tells more of one.

    `swapformer list specs` names the specs that ship: experiments, recipes for every objective, and published systems
    such as gpt2-124m.
    """
    if family == SPECS:
        _specs(as_json)
        return
    catalog = Catalog.load(plugins)
    if family is not None and family not in catalog.families:
        known = [*catalog.families, SPECS]
        hint = did_you_mean(family, known) or f" Families: {', '.join(catalog.families)}; or {SPECS}."
        raise click.UsageError(f"there is no family '{family}'.{hint}")
    families = families_in_order(catalog) if family is None else [family]
    entries = [entry for name in families for entry in catalog.of(name)]
    if as_json:
        _print_json(entries)
    elif on_terminal():
        _print_tables(catalog, families)
    else:
        rows = [(entry["family"], entry["kind"], _one_line(entry)) for entry in entries]
        click.echo("\n".join(aligned(rows)))


def _specs(as_json: bool) -> None:
    """The specs that ship by name, without those that tests are made on."""
    from experiments.cli.specs import published, recipes, shipped
    from registry.shipped import about

    systems = {name: path for name, path in published().items() if "/" not in name}
    groups = {"experiment": shipped(), "recipe": recipes(), "published system": systems}
    found = {name: path for group in groups.values() for name, path in group.items()}
    if as_json:
        import json

        rows = [{"name": name, "about": about(path), "file": str(path)} for name, path in found.items()]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif on_terminal():
        screen = console()
        for title, group in groups.items():
            lines = table(title, "")
            lines.columns[0].header_style = "bold"
            lines.columns[0].min_width = max(map(len, found))
            for name, path in group.items():
                lines.add_row(name, about(path))
            screen.print(lines)
    else:
        click.echo("\n".join(aligned([(name, about(path)) for name, path in found.items()])))


def _print_json(entries: Sequence[Entry]) -> None:
    import json

    keys = ("family", "kind", "summary", "paper", "file")
    click.echo(json.dumps([{key: entry[key] for key in keys} for entry in entries], indent=2, ensure_ascii=False))


def _print_tables(catalog: Catalog, families: Sequence[str]) -> None:
    screen = console()
    widest = max(len(kind) for kind in catalog.all_kinds())
    for family in families:
        rows = table(family, catalog.of(family)[0]["family_summary"])
        rows.columns[0].min_width = widest
        rows.columns[0].header_style = "bold"
        for entry in catalog.of(family):
            rows.add_row(entry["kind"], entry["summary"])
        screen.print(rows)


def _one_line(entry: Entry) -> str:
    return " ".join(entry["summary"].split())
