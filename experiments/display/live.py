"""The display of a running sweep: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from experiments.display.events import (
    Event,
    TrialFailed,
    TrialFinished,
    TrialPaused,
    TrialProgress,
    TrialRetried,
    TrialStarted,
)
from experiments.display.running_table import running_table
from experiments.display.tally import Running, Tally
from experiments.results.plan import Metric
from experiments.results.words import clean, duration, shorten, times


class LiveSweep:
    """The only renderer of a sweep. Use as a context manager and feed it events, from one thread.

    with LiveSweep(total=32, metric=Metric("valid/loss")) as live:
        live.handle(TrialStarted("3f2a", "full / rotary", seed=0))

    Where the console is no terminal, each event is one line without cursor codes, and a trial's progress is
    reported at most every `plain_every` seconds.
    """

    def __init__(
        self,
        total: int,
        metric: Metric,
        *,
        already_done: int = 0,
        console: Console | None = None,
        plain_every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console or Console()
        self.tally = Tally(total, metric, clock, already_done)
        self.plain_every = plain_every
        self.plain = not self.console.is_terminal or self.console.is_dumb_terminal
        self._told: dict[str, float] = {}
        self._live = Live(get_renderable=self.render, console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveSweep:
        if not self.plain:
            self._live.start()
        elif self.tally.already_done:
            self._line(f"resuming: {self.tally.already_done} of {self.tally.total} trials are done")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.plain:
            self._live.stop()
        self._line(self.summary())

    def handle(self, event: Event) -> None:
        """Take in one event and show it."""
        row = self.tally.take(event)
        if isinstance(event, TrialFailed) and event.status == "interrupted":
            at = f"at step {row.step} of {row.max_steps}" if row and row.step else "before its first step"
            self._line(f"{self._who(row, event.trial)} interrupted {at}")
        elif isinstance(event, TrialFailed):
            # Failures stay on the screen, above the table.
            where = f", log: {clean(event.log)}" if event.log else ""
            what = f"{clean(event.reason)}{where}"
            self._line(f"{self._who(row, event.trial)} {event.status}: {what}{self._timing()}", style="red")
        elif isinstance(event, TrialRetried):
            self._line(f"{self._who(row, event.trial)} {clean(event.reason)}; it goes on from its last checkpoint")
        elif self.plain:
            self._tell(event, row)

    def expect(self, total: int) -> None:
        """There are so many trials in all, as is known by now."""
        if self.plain and total > self.tally.total:
            self._line(f"{times(total - self.tally.total, 'more trial')}: {total} in all")
        self.tally.total = total

    def say(self, text: str) -> None:
        """Show a line of text."""
        self._line(clean(text))

    def summary(self) -> str:
        """One line: how many trials are done, how many failed, how long it took."""
        tally = self.tally
        failed = f", {tally.failed} of them without a result" if tally.failed else ""
        return f"{tally.done} of {tally.total} trials done{failed}, {duration(tally.elapsed)}{self._best('best')}"

    def render(self) -> RenderableType:
        """The live table."""
        table = running_table(list(self.tally.running.values()), self.console)
        return Group(table, self._overall(self.console.width))

    def _overall(self, width: int) -> RenderableType:
        tally = self.tally
        left = tally.time_left()
        words = f"{tally.done} of {tally.total} done"
        if tally.failed:
            words += f", {tally.failed} failed"
        if tally.stopped:
            words += f", {len(tally.stopped)} paused"
        words += f", {duration(left)} left" if left is not None else f", {duration(tally.elapsed)} so far"
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row(ProgressBar(total=max(1, tally.total), completed=tally.done, width=20), Text(words, style="bold"))
        best = self._best("best so far").removeprefix(", ")
        return Group(grid, Text(shorten(best, width), style="green")) if best else grid

    def _tell(self, event: Event, row: Running | None) -> None:
        """One plain line per event; progress only now and then."""
        who = self._who(row, event.trial)
        if isinstance(event, TrialStarted):
            self._told[event.trial] = self.tally.clock()
            self._line(f"{who} goes on after step {row.step}" if row and row.step else f"{who} started")
        elif isinstance(event, TrialPaused):
            self._line(f"{who} paused" + (f" at step {row.step} of {row.max_steps}" if row and row.step else ""))
        elif isinstance(event, TrialFinished):
            took = f" in {duration(self.tally.clock() - row.began)}" if row else ""
            value = "" if event.value is None else f", {self.tally.metric.name} {event.value:.4f}"
            self._line(f"{who} finished{took}{value}{self._timing()}")
        elif isinstance(event, TrialProgress):
            now = self.tally.clock()
            if now - self._told.get(event.trial, -self.plain_every) < self.plain_every:
                return
            self._told[event.trial] = now
            loss = "" if event.loss is None else f", loss {event.loss:.3f}"
            rate = "" if event.steps_per_second is None else f", {event.steps_per_second:.1f} steps/s"
            self._line(f"{who} step {event.step} of {event.max_steps}{loss}{rate}{self._timing()}")

    def _who(self, row: Running | None, trial: str) -> str:
        if row is None:
            return f"trial {clean(trial)}"
        tuning = ", tuning" if row.stage == "tune" else ""
        return f"trial {row.number} of {self.tally.total} [{clean(row.variant)}, seed {row.seed}{tuning}]"

    def _timing(self) -> str:
        left = self.tally.time_left()
        return f", {duration(left)} left" if left is not None and self.tally.done < self.tally.total else ""

    def _best(self, words: str) -> str:
        best = self.tally.best
        return "" if best is None else f", {words}: {self.tally.metric.name} {best[0]:.4f} ({clean(best[1])})"

    def _line(self, line: str, style: str | None = None) -> None:
        # soft_wrap: one event stays one line in a log, whatever the width.
        self.console.print(Text(line, style=style or ""), soft_wrap=self.plain)
