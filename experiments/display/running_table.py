"""The trials at work, one line each: how far, how the loss went, how long it still takes. Fits 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from experiments.display.sparkline import signs_for, sparkline
from experiments.display.tally import Running
from experiments.results.words import MISSING, clean, shorten

WIDE = 110
"""From so many columns on there is room for a bar."""


def running_table(rows: Sequence[Running], console: Console, ages: Sequence[str] | None = None) -> Table:
    """A table of `rows`; `ages` are the words of a last column, how long ago each has said something."""
    wide = console.width >= WIDE
    signs = signs_for(console.encoding)
    headings = ["trial", "variant", "seed", "step", "loss", "", "steps/s", "left", *(["last sign"] if ages else [])]
    cells = [[*_cells(row, signs), *([age] if ages else [])] for row, age in _aged(rows, ages)]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    # The numbers are never cut: names get what they leave, one character going between columns.
    taken = sum(widths) - widths[1] + len(headings) + (11 if wide else 0)
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=bool(rows), header_style="dim")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("variant", "") else "right", no_wrap=True)
    if wide:
        table.add_column("", no_wrap=True)
    for row, line in zip(rows, cells, strict=True):
        line[1] = shorten(line[1], max(8, console.width - taken))
        drawn: list[RenderableType] = [Text(cell) for cell in line]
        table.add_row(*drawn, *([ProgressBar(total=1.0, completed=row.fraction, width=10)] if wide else []))
    return table


def _aged(rows: Sequence[Running], ages: Sequence[str] | None) -> list[tuple[Running, str]]:
    return list(zip(rows, ages or [""] * len(rows), strict=True))


def _cells(row: Running, signs: str) -> list[str]:
    return [
        str(row.number),
        clean(row.variant) + (" (tuning)" if row.stage == "tune" else ""),
        str(row.seed),
        f"{row.step}/{row.max_steps}" if row.max_steps else "starting",
        MISSING if row.loss is None else f"{row.loss:.3f}",
        sparkline(row.losses.values, signs=signs),
        MISSING if row.rate is None else f"{row.rate:.1f}",
        clock(row.seconds_left),
    ]


def clock(seconds: float | None) -> str:
    """`0:42`, `12:05`, `2:10:00`: a duration in few characters."""
    if seconds is None:
        return MISSING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
