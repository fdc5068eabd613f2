"""Following a sweep or run that another process works on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from experiments.console import console as our_console
from experiments.display.status import drawn, show_status, time_left
from experiments.results.holder import holder
from experiments.results.plan import ResultsError
from experiments.results.progress import FolderProgress, read_progress, summary_words


def watch(
    folder: Path,
    console: Console | None = None,
    *,
    every: float = 1.0,
    plain_every: float = 30.0,
    sleep: Callable[[float], None] = time.sleep,
) -> FolderProgress:
    """Show how far a sweep or run is until no process works on it any more; returns how it ended.

    On a terminal the table is drawn anew `every` so many seconds; elsewhere it is one line whenever a trial has ended,
    and at least every `plain_every` seconds. Raises ResultsError where there is neither a sweep nor a run.
    """
    console = console or our_console()
    progress = _first(folder, every, sleep)
    if not console.is_terminal or console.is_dumb_terminal:
        progress = _plainly(progress, console, every, plain_every, sleep)
    else:
        with Live(drawn(progress, console), console=console, auto_refresh=False, transient=True) as live:
            while not progress.over:
                sleep(every)
                progress = read_progress(folder)
                live.update(drawn(progress, console), refresh=True)
    show_status(progress, console)
    return progress


def _first(folder: Path, every: float, sleep: Callable[[float], None]) -> FolderProgress:
    """As soon as there is something to show: a sweep plans for a while before it writes."""
    while True:
        try:
            return read_progress(folder)
        except ResultsError:
            if holder(folder) is None:
                raise
        sleep(every)


def _plainly(
    progress: FolderProgress, console: Console, every: float, plain_every: float, sleep: Callable[[float], None]
) -> FolderProgress:
    told, done = 0.0, -1
    while not progress.over:
        if progress.done != done or told >= plain_every:
            console.print(Text(summary_words(progress) + time_left(progress)), soft_wrap=True)
            told, done = 0.0, progress.done
        sleep(every)
        told += every
        progress = read_progress(progress.folder)
    return progress
