"""Where the program prints: a terminal with tables, or anything else with plain lines."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table


def on_terminal() -> bool:
    """Whether a person reads the output, not a file or another program."""
    return sys.stdout.isatty()


def console() -> Console:
    """A console that prints text as it is: no markup, no colours of its own on numbers."""
    return Console(markup=False, highlight=False, emoji=False)


def table(*headings: str) -> Table:
    """A table without walls, the look of all that the program prints."""
    return Table(*headings, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines of columns under each other, the last column as long as it is; for pipes and logs."""
    widths = [max((len(cell) for cell in column), default=0) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
