"""One attention layer against sequence length: time, and peak memory, beside other packages.

python -m benchmarks.attention --help
"""

from __future__ import annotations

import dataclasses
import json
import platform

import click
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.layers import CONTENDERS, KINDS, Contender
from benchmarks.measure import Figures, memory_apart, times

DIRECTIONS = {"bidirectional": False, "causal": True}


class Words(click.ParamType):
    """Words between commas, out of a choice."""

    name = "words"

    def __init__(self, choice: tuple[str, ...]) -> None:
        self.choice = choice

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        words = value.split(",")
        if unknown := [word for word in words if word not in self.choice]:
            self.fail(f"{', '.join(unknown)}: not among {', '.join(self.choice)}", param, ctx)
        return words


class Lengths(click.ParamType):
    """Whole numbers between commas."""

    name = "lengths"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            found = [int(word) for word in value.split(",")]
        except ValueError:
            self.fail(f"{value!r}: whole numbers between commas, as in 1024,4096", param, ctx)
        # the sparse layers of other packages want multiples of their windows and blocks
        if wrong := [n for n in found if n < 1024 or n % 512]:
            self.fail(f"{wrong[0]}: lengths are multiples of 512, from 1024", param, ctx)
        return found


@click.command()
@click.option("--lengths", type=Lengths(), default="1024,2048,4096,8192,16384", show_default=True)
@click.option("--width", type=click.IntRange(1), default=256, show_default=True)
@click.option("--heads", type=click.IntRange(1), default=4, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--repeats", type=click.IntRange(1), default=5, show_default=True, help="The median counts.")
@click.option("--kinds", type=Words(KINDS), default=",".join(KINDS), show_default=True)
@click.option("--directions", type=Words(tuple(DIRECTIONS)), default=",".join(DIRECTIONS), show_default=True)
@click.option("--peers/--no-peers", default=True, show_default=True, help="Other packages, where installed.")
@click.option("--memory/--no-memory", default=True, show_default=True, help="A fresh process for each figure.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON instead of a table.")
def main(
    lengths: list[int],
    width: int,
    heads: int,
    threads: int,
    repeats: int,
    kinds: list[str],
    directions: list[str],
    peers: bool,
    memory: bool,
    as_json: bool,
) -> None:
    """Time one attention layer, projections included, batch 1, float32, and its peak memory in training."""
    if width % heads:
        raise click.UsageError(f"a width of {width} cannot be split into {heads} heads")
    torch.set_num_threads(threads)
    errors = Console(stderr=True)
    chosen = [c for c in CONTENDERS if c.kind in kinds and (peers or c.name == "swapformer")]
    for package in sorted({c.package for c in chosen if not c.installed}):
        errors.print(f"{package} is not installed: pip install {package}", highlight=False)
    rows: list[dict[str, object]] = []
    table = _table(width, heads, threads, repeats)
    for kind in kinds:
        for direction in directions:
            for n in lengths:
                group = [c for c in chosen if _takes_part(c, kind, DIRECTIONS[direction], n)]
                errors.print(f"{kind}, {direction}, {n}", highlight=False)
                figures = times(group, n, width, heads, DIRECTIONS[direction], repeats)
                for contender, found in zip(group, figures, strict=True):
                    if memory and not found.error:
                        found.memory = memory_apart(contender, n, width, heads, DIRECTIONS[direction], threads)
                    where = {"kind": kind, "direction": direction, "n": n, "layer": contender.name}
                    rows.append(where | dataclasses.asdict(found))
                _add(table, (kind, direction, f"{n:,}"), group, figures)
    if as_json:
        about = {"torch": torch.__version__, "machine": platform.platform(), "threads": threads, "repeats": repeats}
        click.echo(json.dumps({"about": about | {"width": width, "heads": heads}, "rows": rows}, indent=1))
        return
    Console(width=130).print(table)
    for contender in chosen:
        if contender.about and contender.installed:
            click.echo(f"{contender.name}, {contender.kind}: {contender.about}")


def _takes_part(contender: Contender, kind: str, causal: bool, n: int) -> bool:
    return contender.installed and contender.kind == kind and causal in contender.causal and n <= contender.longest


def _table(width: int, heads: int, threads: int, repeats: int) -> Table:
    size = f"width {width}, {heads} heads, batch 1, float32, {threads} thread(s)"
    title = f"One attention layer: {size}, median of {repeats}"
    table = Table(title=title, caption="x: times the first of the group; MB: peak of forward + backward")
    for name in ("kind", "direction", "n", "layer"):
        table.add_column(name, justify="right" if name == "n" else "left")
    for name in ("forward ms", "x", "with backward ms", "x", "MB", "x"):
        table.add_column(name, justify="right")
    return table


def _add(table: Table, where: tuple[str, str, str], group: list[Contender], figures: list[Figures]) -> None:
    for number, (contender, found) in enumerate(zip(group, figures, strict=True)):
        cells = [*(where if not number else ("", "", "")), contender.name]
        if found.error:
            table.add_row(*cells, found.error)
            continue
        for name in ("forward", "both", "memory"):
            value, base = getattr(found, name), getattr(figures[0], name)
            cells.append("-" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}")
            cells.append("-" if value is None or not base else f"{value / base:.2f}")
        table.add_row(*cells, end_section=number == len(group) - 1)


if __name__ == "__main__":
    main()
