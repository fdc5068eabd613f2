"""Which trials a sweep wants, as a pure function of what has come out so far.

First the tries of tuning; then, for each variant whose settings are chosen, the trials that are compared; then more
seeds, where as many are trained as it takes. A sweep that was interrupted decides the same when it is continued.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from experiments.results.plan import Metric, Stage
from experiments.results.words import times
from experiments.sweep.axes import space_of
from experiments.sweep.draws import Tuned
from experiments.sweep.more_seeds import confidence, seeds_wanted
from experiments.sweep.outcome import Outcome
from experiments.sweep.plan import SweepPlan, Variant
from experiments.sweep.ranked_by import ranked_by
from experiments.sweep.trials import Trial, Trials
from experiments.sweep.tuning import Standing, Tuner
from experiments.sweep_options import AutoSeeds, Tuning, looks
from registry.load import Loaded


class Rounds:
    """Decides what is trained next. What it keeps between calls saves time and changes no answer.

    troubles: label of a variant -> why it has no trials to compare, as of the latest `wanted`.

    Raises MissingExtra when the search needs a library that is not installed.
    """

    def __init__(self, plan: SweepPlan, trials: Trials, loaded: Loaded) -> None:
        self._plan, self._trials = plan, trials
        # which data there are for it was checked with the plan
        self._ranked_by = ranked_by(loaded, ())
        self._made: dict[tuple[Any, ...], Trial] = {}
        self._standings: dict[str, Standing] = {}
        self._tuner: Tuner | None = None
        sweep = loaded.full["sweep"]
        if sweep["tune"]:
            options = Tuning(**sweep["tuning"])
            self._seeds_per_try = options.seeds
            self._tuner = Tuner(
                space_of(sweep["tune"]),
                options,
                Metric(**loaded.full["metric"]),
                loaded.full["seed"],
                list(plan.variants),
                lambda variant, seed, tuned: trials.make(variant, seed, tuned=tuned, stage="tune"),
                lambda trial: len(trial.data.train_loader()),
            )
        self.troubles: dict[str, str] = {}

    def wanted(self, outcomes: Mapping[str, Outcome]) -> list[Trial]:
        """All trials that should exist by now, those done included, in the order to train them.

        outcomes: by the id of the trial; whatever is known of every trial that was ever started, of interrupted ones
        too. Seeds follow each other, each with all variants, so that whatever a sweep has trained can be compared.
        """
        if self._tuner is not None:
            self._standings = {v.label: self._tuner.look(v, outcomes) for v in self._plan.variants}
            self.troubles = {label: s.trouble for label, s in self._standings.items() if s.trouble is not None}
        return _once([*self._tries(), *self._compared(outcomes)])

    @property
    def at_most(self) -> int:
        """How many trials there may be in all."""
        seeds = self._plan.seeds.at_most if isinstance(self._plan.seeds, AutoSeeds) else len(self._plan.seeds)
        tries = 0 if self._tuner is None else self._tuner.tries * self._seeds_per_try
        return len(self._plan.variants) * (seeds + tries)

    def chosen(self, variant: Variant) -> Tuned | None:
        """The settings that tuning found for a variant, as of the latest `wanted`; None before, or without tuning."""
        standing = self._standings.get(variant.label)
        return None if standing is None else standing.chosen

    def describe(self) -> list[str]:
        """For people: how tuning goes, and when there are enough seeds; nothing for a plain sweep."""
        lines = [] if self._tuner is None else [self._tuner.describe()]
        auto = self._plan.seeds
        if isinstance(auto, AutoSeeds):
            of = "the best mean" if self._plan.baseline is None else "the baseline's mean"
            width = f"a hundredth of {of}" if auto.width is None else f"{auto.width:g}"
            counts = ", ".join(map(str, looks(auto)))
            level = f"{100 * confidence(auto):.4g} %"
            lines.append(f"seeds: {counts}, until the {level} interval is within {width} to either side")
        lines.append(f"at most {times(self.at_most, 'trial')}")
        return lines if len(lines) > 1 else []

    def _tries(self) -> Iterable[Trial]:
        """The tries in their order, each with all variants."""
        tries = [standing.trials for standing in self._standings.values()]
        for number in range(max(map(len, tries), default=0)):
            for trials in tries:
                yield from trials[number] if number < len(trials) else ()

    def _compared(self, outcomes: Mapping[str, Outcome]) -> Iterable[Trial]:
        """Of the variants whose settings are known, seed by seed."""
        ready = [v for v in self._plan.variants if self._tuner is None or self.chosen(v) is not None]
        if isinstance(self._plan.seeds, AutoSeeds):
            counts = self._counts(self._plan.seeds, outcomes)
            seeds: Iterable[int] = range(max(counts.values(), default=0))
        else:
            seeds = self._plan.seeds
            counts = {v.label: max(seeds, default=-1) + 1 for v in ready}
        for seed in seeds:
            yield from (self._trial(v, seed) for v in ready if seed < counts[v.label])

    def _counts(self, auto: AutoSeeds, outcomes: Mapping[str, Outcome]) -> dict[str, int]:
        """How many seeds each variant should have by now; one that has come to nothing in tuning is left out of it."""
        results: dict[str, list[float | None]] = {}
        for variant in self._plan.variants:
            if variant.label in self.troubles:
                continue
            found = results[variant.label] = []
            while len(found) < auto.at_most and (self._tuner is None or self.chosen(variant) is not None):
                outcome = outcomes.get(self._trial(variant, len(found)).id)
                if outcome is None or not outcome.settled:
                    break
                found.append(outcome.value(self._ranked_by.name))
        baseline = self._plan.baseline if self._plan.baseline in results else None
        return seeds_wanted(results, baseline, auto, self._ranked_by)

    def _trial(self, variant: Variant, seed: int) -> Trial:
        """A trial that is compared, with the settings that were chosen."""
        chosen = self.chosen(variant)
        key = variant.label, seed, None if chosen is None else tuple(map(repr, chosen.items()))
        if key not in self._made:
            self._made[key] = self._trials.make(variant, seed, tuned=chosen or {})
        return self._made[key]


def _once(trials: list[Trial]) -> list[Trial]:
    """Every id once for a variant, where it comes first: settings may be tried that come to the same trial.

    What it is trained for is the most that it is wanted for: to be compared, and to the end.
    """
    found: dict[tuple[str, str], Trial] = {}
    for trial in trials:
        key = trial.id, trial.variant.label
        before = found.setdefault(key, trial)
        until = None if before.until is None or trial.until is None else max(before.until, trial.until)
        stage: Stage = "compare" if "compare" in (before.stage, trial.stage) else "tune"
        if (before.until, before.stage) != (until, stage):
            found[key] = replace(before, until=until, stage=stage)
    return list(found.values())
