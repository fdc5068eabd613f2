"""The state of a running sweep, as told by its events. Draws nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from experiments.display.events import (
    Event,
    TrialFailed,
    TrialFinished,
    TrialPaused,
    TrialProgress,
    TrialRetried,
    TrialStarted,
)
from experiments.display.sparkline import Trace
from experiments.results.plan import Metric


@dataclass
class Running:
    """A trial at work; `number` is the k of "trial k of n", `began` the clock when it was started."""

    number: int
    variant: str
    seed: int
    began: float
    step: int = 0
    max_steps: int = 0
    loss: float | None = None
    rate: float | None = None
    stage: str = "compare"
    losses: Trace = field(default_factory=Trace)

    @property
    def fraction(self) -> float:
        return min(1.0, self.step / self.max_steps) if self.max_steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the rate of the last steps; None until it is known."""
        return max(0, self.max_steps - self.step) / self.rate if self.rate and self.max_steps else None


@dataclass
class Tally:
    """Counts, the running trials and the best value so far. `clock` is monotonic, in seconds.

    total: the trials that are wanted so far; it may grow. stopped: trials that were begun and are to go on later.
    """

    total: int
    metric: Metric
    clock: Callable[[], float]
    # Trials that an earlier start of the same sweep had finished: counted, but no basis for the time left.
    already_done: int = 0
    finished: int = 0
    failed: int = 0
    best: tuple[float, str] | None = None
    running: dict[str, Running] = field(default_factory=dict)
    stopped: dict[str, Running] = field(default_factory=dict)
    began: float = field(init=False)
    _numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def done(self) -> int:
        return self.already_done + self.finished + self.failed

    @property
    def elapsed(self) -> float:
        return self.clock() - self.began

    def take(self, event: Event) -> Running | None:
        """Follow one event; returns the trial it is about, None for one that never started."""
        if isinstance(event, TrialStarted):
            return self._start(event)
        if isinstance(event, TrialProgress):
            return self._progress(event)
        ended = self.running.pop(event.trial, None)
        if isinstance(event, TrialPaused | TrialRetried):
            if ended is not None:
                self.stopped[event.trial] = ended
        elif isinstance(event, TrialFailed):
            # an interrupted one is not done: it goes on when the sweep does
            self.failed += event.status != "interrupted"
        elif isinstance(event, TrialFinished):
            self.finished += 1
            if ended is not None and event.value is not None and ended.stage == "compare":
                self._compare(event.value, ended)
        return ended

    def time_left(self) -> float | None:
        """Seconds, from the share of the work done since the start; None until there is enough to tell."""
        begun = (*self.running.values(), *self.stopped.values())
        worked = self.finished + self.failed + sum(row.fraction for row in begun)
        remaining = self.total - self.already_done - worked
        if worked < 0.02 or self.elapsed <= 0:
            return None
        return max(0.0, self.elapsed * remaining / worked)

    def _start(self, event: TrialStarted) -> Running:
        earlier = self.stopped.pop(event.trial, None) or self.running.pop(event.trial, None)
        number = self._numbers.setdefault(event.trial, self.already_done + len(self._numbers) + 1)
        row = earlier or Running(number, event.variant, event.seed, self.clock(), stage=event.stage)
        # the rate is that of another process
        row.rate = None
        self.running[event.trial] = row
        return row

    def _progress(self, event: TrialProgress) -> Running | None:
        if (found := self.running.get(event.trial)) is not None:
            found.step, found.max_steps = event.step, event.max_steps
            found.loss, found.rate = event.loss, event.steps_per_second
            if event.loss is not None:
                found.losses.add(event.loss)
        return found

    def _compare(self, value: float, ended: Running) -> None:
        # A value that is not a number is never the best.
        if value == value and (self.best is None or self.metric.order(value) < self.metric.order(self.best[0])):
            self.best = (value, f"{ended.variant}, seed {ended.seed}")
