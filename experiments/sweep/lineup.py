"""Who is next: the order in which the trials of a sweep get a place."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable

from experiments.sweep.ledger import Ledger
from experiments.sweep.trials import Trial

_FIRST_WAIT = 1.0
"""Seconds before a trial that was lost is tried again; twice as many each further time."""


class Lineup:
    """The trials that wait for a place, and those that have one.

    limit: how many trials of the ledger may be trained in all, done ones included. clock: monotonic, in seconds.
    """

    def __init__(self, ledger: Ledger, limit: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.running: dict[str, Trial] = {}
        self.lost: Counter[str] = Counter()
        self.left_alone: set[str] = set()
        self._ledger, self._limit, self._clock = ledger, math.inf if limit is None else limit, clock
        self._begun: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._queue: list[Trial] = []
        self.renew()

    @property
    def total(self) -> int:
        """How many trials are to be trained, those done included, as far as is known."""
        return int(min(self._limit, len({trial.id for trial in self._ledger.wanted})))

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def renew(self) -> None:
        """Take in what the ledger wants now."""
        left = {trial.id: trial for trial in self._ledger.left}
        done = len({trial.id for trial in self._ledger.wanted}) - len(left)
        room = self._limit - done - len(self._begun & left.keys())
        self._queue = []
        for trial in left.values():
            if trial.id in self.running or trial.id in self.left_alone:
                continue
            if trial.id not in self._begun:
                if room < 1:
                    continue
                room -= 1
            self._queue.append(trial)

    def next(self) -> Trial | None:
        """The first trial that may start now."""
        now = self._clock()
        return next((trial for trial in self._queue if self._not_before.get(trial.id, now) <= now), None)

    def start(self, trial: Trial) -> None:
        """It has a place."""
        self._queue.remove(trial)
        self._begun.add(trial.id)
        self.running[trial.id] = trial

    def end(self, trial: Trial) -> None:
        """It has given its place back."""
        del self.running[trial.id]

    def again(self, trial: Trial, retries: int) -> bool:
        """Let a trial that was lost wait for another attempt, later; False if it has had enough of them."""
        self.lost[trial.id] += 1
        if self.lost[trial.id] > retries:
            return False
        self._not_before[trial.id] = self._clock() + _FIRST_WAIT * 2 ** (self.lost[trial.id] - 1)
        self._queue.insert(0, trial)
        return True
