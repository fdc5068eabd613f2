"""Which settings are tried for each variant, with which trials, and which of them are chosen."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from experiments.results.plan import Metric
from experiments.results.words import times
from experiments.sweep.draws import Space, Tuned, draws, grid
from experiments.sweep.halving import LOST, Climb, Course, climb, course, rungs_of
from experiments.sweep.outcome import Outcome
from experiments.sweep.plan import Variant
from experiments.sweep.tpe import Tpe
from experiments.sweep.trials import Trial
from experiments.sweep_options import Tuning
from registry.errors import SpecError

Make = Callable[[Variant, int, Tuned], Trial]
"""(variant, seed, settings) -> the trial of a try."""


@dataclass(frozen=True)
class Standing:
    """How far the tuning of a variant is.

    trials: wanted by now, try by try. chosen: the settings, once all tries are settled. trouble: why there are none.
    """

    trials: list[list[Trial]]
    chosen: Tuned | None = None
    trouble: str | None = None


@dataclass(frozen=True)
class _Try:
    """trials: none where the settings do not go together with the variant, and `fault` says why.

    course: their length, where it matters.
    """

    tuned: Tuned
    trials: list[Trial]
    course: Course | None = None
    fault: str | None = None


class Tuner:
    """The tuning of all variants: equally many tries for each, and the same ones where they are laid out beforehand.

    seed: of the draws. make: makes a trial of a try.

    Raises MissingExtra when tpe is asked for and optuna is not installed.
    """

    def __init__(
        self,
        space: Space,
        options: Tuning,
        metric: Metric,
        seed: int,
        variants: list[Variant],
        make: Make,
        batches: Callable[[Trial], int],
    ) -> None:
        self._options, self._metric, self._variants = options, metric, variants
        self._make, self._batches = make, batches
        self._laid_out: list[Tuned] | None = None
        self._suggested: dict[str, Tpe] = {}
        if options.search == "tpe":
            if options.tries is None:
                raise ValueError("sweep.tuning.tries: tpe needs a number of tries")
            self.tries = options.tries
            self._suggested = {v.label: Tpe(space, seed) for v in variants}
        else:
            self._laid_out = self._lay_out(space, seed)
            self.tries = len(self._laid_out)
        self._known: dict[tuple[str, str], _Try] = {}
        self._rungs: int | None = None

    def look(self, variant: Variant, outcomes: Mapping[str, Outcome]) -> Standing:
        """What the tuning of a variant has come to."""
        if self._laid_out is None:
            return self._one_by_one(variant, outcomes)
        tries = [self._try(variant, tuned) for tuned in self._laid_out]

        def score(number: int, rung: int) -> float | None:
            return self._score(tries[number], self._pauses(tries[number], rung), outcomes)

        climbed = climb(len(tries), self.rungs, self._options.halving or 1, score)
        pauses = map(self._pauses, tries, climbed.goals)
        trials = [[replace(trial, until=p) for trial in t.trials] for t, p in zip(tries, pauses, strict=True)]
        return self._standing(tries, trials, climbed, outcomes)

    @property
    def rungs(self) -> int:
        """How often the tries are looked at, the end of the training included; the same for all variants."""
        if self._rungs is None:
            tries = [self._try(variant, tuned) for variant in self._variants for tuned in self._laid_out or ()]
            self._rungs = rungs_of(self.tries, self._options.halving, [t.course for t in tries if t.course is not None])
        return self._rungs

    def describe(self) -> str:
        """For people: how many tries there are, and how long they are trained."""
        kinds = {"grid": "every combination", "random": "drawn at random", "tpe": "suggested by tpe"}
        seeds = "" if self._options.seeds == 1 else f", {self._options.seeds} seeds each"
        words = f"tuning: {times(self.tries, 'try')} for each of {times(len(self._variants), 'variant')}"
        words += f" ({kinds[self._options.search]}{seeds})"
        eta = self._options.halving
        if eta is None or self.rungs == 1:
            return words
        left, parts = self.tries, []
        for rung in range(self.rungs - 1):
            parts.append(f"{left} to 1/{eta ** (self.rungs - 1 - rung)} of the steps")
            left = max(1, left // eta)
        return f"{words}: {', '.join(parts)}, {left} to the end"

    def _lay_out(self, space: Space, seed: int) -> list[Tuned]:
        if self._options.search == "grid":
            return grid(space)
        if self._options.tries is None:
            raise ValueError("sweep.tuning.tries: random needs a number of tries")
        return draws(space, self._options.tries, seed)

    def _one_by_one(self, variant: Variant, outcomes: Mapping[str, Outcome]) -> Standing:
        scores: list[float | None] = []

        def score(number: int, tuned: Tuned) -> float | None:
            scores.append(self._score(self._try(variant, tuned), None, outcomes))
            return scores[-1]

        tries = [self._try(variant, tuned) for tuned in self._suggested[variant.label].walk(self.tries, score)]
        climbed = climb(len(tries), 1, 1, lambda number, rung: scores[number])
        return self._standing(tries, [t.trials for t in tries], climbed, outcomes)

    def _standing(
        self, tries: list[_Try], trials: list[list[Trial]], climbed: Climb, outcomes: Mapping[str, Outcome]
    ) -> Standing:
        if climbed.best is not None:
            return Standing(trials, chosen=tries[climbed.best].tuned)
        return Standing(trials, trouble=self._trouble(tries, outcomes) if climbed.done else None)

    def _try(self, variant: Variant, tuned: Tuned) -> _Try:
        key = variant.label, json.dumps(tuned)
        if key not in self._known:
            first = self._options.first_seed
            try:
                trials = [self._make(variant, s, tuned) for s in range(first, first + self._options.seeds)]
                self._known[key] = _Try(tuned, trials, self._course(trials[0]))
            except SpecError as error:
                self._known[key] = _Try(tuned, [], fault="; ".join(problem.message for problem in error.problems))
        return self._known[key]

    def _pauses(self, tried: _Try, rung: int) -> int | None:
        """The step at which a try stops on a rung; None at the end."""
        above = self.rungs - 1 - rung
        if above == 0 or tried.course is None or self._options.halving is None:
            return None
        return tried.course.pause(self._options.halving**above)

    def _course(self, trial: Trial) -> Course | None:
        return None if self._options.halving is None else course(trial.spec["trainer"], lambda: self._batches(trial))

    def _score(self, tried: _Try, until: int | None, outcomes: Mapping[str, Outcome]) -> float | None:
        """The mean over the seeds, as a sort key; None until all of them are there."""
        if not tried.trials:
            return LOST
        found = [_reached(outcomes.get(trial.id), until, self._metric) for trial in tried.trials]
        known = [value for value in found if value is not None]
        return statistics.fmean(known) if len(known) == len(found) else None

    def _trouble(self, tries: list[_Try], outcomes: Mapping[str, Outcome]) -> str:
        """Why no try came to anything: the reason of the first."""
        tried = tries[0]
        reason = tried.fault
        for outcome in (outcomes[trial.id] for trial in tried.trials if trial.id in outcomes):
            if reason is None and outcome.value(self._metric.name) is None:
                reason = outcome.reason or f"{outcome.status}, without {self._metric.name}"
        return f"of {times(len(tries), 'try')} none came to a result; the first: {reason}"


def _reached(outcome: Outcome | None, until: int | None, metric: Metric) -> float | None:
    """What a trial scored at a step, or at its end, as a sort key; None while it has not come there."""
    if outcome is None:
        return None
    curve = {} if until is None else outcome.curve(metric.name)
    there = [step for step in curve if until is not None and step >= until]
    if there:
        value = curve[min(there)]
        return metric.order(value) if math.isfinite(value) else LOST
    if outcome.settled:
        # one that stopped early is judged by its end
        last = outcome.value(metric.name)
        return LOST if last is None else metric.order(last)
    # a validation without the metric would be waited for forever
    return LOST if outcome.status == "paused" and until is not None and not curve else None
