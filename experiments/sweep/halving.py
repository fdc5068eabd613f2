"""Successive halving: train every try a little, go on with the best of them, and so on to the end.

Jamieson and Talwalkar 2016, arXiv 1502.07943. Synchronous: a rung is decided when all of its tries have reached it, so
that nothing depends on which of them was faster, and every variant gets the same number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.training.options import steps_of, trainer_arguments

LOST = math.inf
"""The score of a try that came to nothing: behind all others, without a number made up for it."""

Score = Callable[[int, int], float | None]
"""(try, rung) -> what it scored there: smaller is better, LOST, or None while it is not known."""


@dataclass(frozen=True)
class Climb:
    """Where the tries of a variant stand.

    goals: the rung, from 0, that each should reach by now. done: whether nothing more is to come. best: the best try
    of those that went furthest without failing; None while tries are on their way, and when all of them failed.
    """

    goals: list[int]
    done: bool
    best: int | None


def climb(tries: int, rungs: int, eta: int, score: Score) -> Climb:
    """Decide every rung that can be decided. Of a rung's tries 1 / eta go on, at least one; ties go to the earlier."""
    goals = [0] * tries
    here = list(range(tries))
    came_through: list[list[int]] = []
    for rung in range(rungs):
        found = {number: score(number, rung) for number in here}
        known = {number: value for number, value in found.items() if value is not None}
        if len(known) < len(here):
            return Climb(goals, False, None)
        best_first = sorted((n for n in here if known[n] < LOST), key=lambda n: (known[n], n))
        came_through.append(best_first)
        if rung + 1 < rungs:
            here = best_first[: max(1, len(here) // eta)]
            for number in here:
                goals[number] = rung + 1
    for rung in reversed(range(rungs)):
        # those that were sent on from here and are not further up failed there
        stayed = [number for number in came_through[rung] if goals[number] == rung]
        if stayed:
            return Climb(goals, True, stayed[0])
    return Climb(goals, True, None)


@dataclass(frozen=True)
class Course:
    """The length of a trial. every: optimizer steps from one validation to the next."""

    steps: int
    every: int

    def pause(self, parts: int) -> int:
        """The last validation, as a step, within the first of so many equal parts of the training."""
        return self.steps // (self.every * parts) * self.every


def course(trainer: Mapping[str, Any], batches: Callable[[], int]) -> Course:
    """How long a trial is, from the `trainer:` block of its spec.

    batches: how many there are in a pass over its training data; asked only where that matters.
    """
    needed = (trainer["max_epochs"], trainer["check_val_every_n_epoch"]) != (None, None)
    drawn = batches() if needed or isinstance(trainer["val_check_interval"], float) else 1
    given = trainer_arguments(trainer, drawn)
    limit = {"limit_train_batches": given.get("limit_train_batches", 1.0)}
    whole_pass = steps_of(1, drawn, limit)
    interval, passes = given.get("val_check_interval", 1.0), given["check_val_every_n_epoch"]
    if isinstance(interval, float):
        interval = math.ceil(interval * whole_pass)
    if passes is not None:
        interval = (passes - 1) * whole_pass + min(interval, whole_pass)
    return Course(given["max_steps"], max(1, math.ceil(interval / given.get("accumulate_grad_batches", 1))))


def rungs_of(tries: int, eta: int | None, courses: list[Course]) -> int:
    """How many rungs there are: as many as leave a try for each, and a validation before the first, in every course."""
    rungs = 1
    if eta is not None and eta > 1:
        while tries >= eta**rungs and all(c.steps >= c.every * eta**rungs for c in courses):
            rungs += 1
    return rungs
