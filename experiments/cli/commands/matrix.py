"""`swapformer matrix`: what goes together, computed from what the parts declare."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from experiments.cli.options import plugin_option
from experiments.compatibility import VISIBILITIES, Cell, Pair, cells, pair
from experiments.console import aligned
from registry.catalog import Catalog

Layout = Callable[[Sequence[Sequence[str]]], list[str]]


@click.command("matrix")
@click.option("--markdown", is_flag=True, help="Tables for a README.")
@click.option("--all", "every", is_flag=True, help="Every cell as a line: attention, position, visibility, topology.")
@plugin_option
def command(markdown: bool, every: bool, plugins: tuple[str, ...]) -> None:
    """Which attention works with which position, mask and topology, and why the others do not.

    Nothing here is a list of pairs: each cell is the check that a spec would go through. A pair works when some
    combination with the rest does; --all tells of each.
    """
    catalog = Catalog.load(plugins)
    found = list(cells(catalog))
    if every:
        click.echo("\n".join(aligned([_line(cell) for cell in found])))
        return
    working = sum(cell.works for cell in found)
    click.echo(
        f"{working} of {len(found)} combinations of attention, position, visibility and topology work. "
        "A number is the reason below; - is what a topology has no use for.\n"
    )
    kinds = {field: catalog.kinds(field) for field in ("attention", "position", "topology")}
    kinds["visibility"] = list(VISIBILITIES)
    reasons: dict[str, int] = {}
    layout: Layout = _markdown if markdown else aligned
    for row, column in (
        ("attention", "position"),
        ("attention", "visibility"),
        ("attention", "topology"),
        ("topology", "visibility"),
    ):
        rows = [[row, *kinds[column]]]
        for name in kinds[row]:
            pairs = [pair(found, **{row: name, column: other}) for other in kinds[column]]
            rows.append([name, *(_cell(one, reasons) for one in pairs)])
        click.echo("\n".join([*layout(rows), ""]))
    click.echo("\n".join(f"{number}. {reason}" for reason, number in reasons.items()))


def _cell(one: Pair, reasons: dict[str, int]) -> str:
    """yes, or the numbers of the reasons; `reasons` numbers those that were met, in their order."""
    if one.works:
        return "yes"
    return ", ".join(str(reasons.setdefault(why, len(reasons) + 1)) for why in one.reasons) if one.offered else "-"


def _line(cell: Cell) -> tuple[str, ...]:
    return cell.attention, cell.position, cell.visibility, cell.topology, cell.reason or "yes"


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return [f"| {' | '.join(cells)} |" for cells in lines]
