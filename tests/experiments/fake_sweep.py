"""Sweeps without training: trials that are a name, and a world that says how each comes out."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from experiments.sweep.outcome import Outcome
from experiments.sweep.plan import SweepPlan, Variant
from experiments.sweep.rounds import Rounds
from experiments.sweep.trials import Trial
from experiments.sweep_options import AutoSeeds
from registry.errors import Problem, SpecError

STEPS, EVERY = 90, 10
LR = "optimizer.lr"
World = Callable[[Trial, int], float | str]
"""(trial, step) -> the metric there, or the status that the trial ends with instead."""


class FakeTrials:
    """impossible: (label, settings) -> whether they do not go together. steps: label -> where it is not `STEPS`."""

    def __init__(
        self,
        impossible: Callable[[str, Mapping[str, Any]], bool] = lambda label, tuned: False,
        steps: Mapping[str, int] | None = None,
    ) -> None:
        self.impossible = impossible
        self.steps = steps or {}

    def make(
        self, variant: Variant, seed: int, *, tuned: Any = None, stage: Any = "compare", until: int | None = None
    ) -> Trial:
        tuned = dict(tuned or {})
        if self.impossible(variant.label, tuned):
            raise SpecError([Problem(LR, "does not go together")])
        name = f"{variant.label} {seed} {json.dumps(tuned, sort_keys=True)}"
        trainer = dict.fromkeys(("max_epochs", "check_val_every_n_epoch"))
        spec = {"trainer": {**trainer, "max_steps": self.steps.get(variant.label, STEPS), "val_check_interval": EVERY}}
        return Trial(name, variant, seed, spec, SimpleNamespace(), stage, tuned, until)


def rounds(
    labels: str = "abc",
    seeds: Sequence[int] | AutoSeeds = (0, 1, 2),
    baseline: str | None = None,
    tune: Mapping[str, Any] | None = None,
    goal: str = "minimize",
    trials: FakeTrials | None = None,
    **tuning: Any,
) -> Rounds:
    """The rounds of variants that are called by one letter each. tuning: `seeds` is called `tuning_seeds`."""
    variants = [Variant(label, {"axis": label}) for label in labels]
    plan = SweepPlan({"axis": list(labels)}, baseline, seeds, variants, [], [], 1, SimpleNamespace())
    sweep = {"tune": tune, "tuning": {key.removeprefix("tuning_"): value for key, value in tuning.items()}}
    full = {"metric": {"name": "valid/loss", "goal": goal}, "seed": 7, "sweep": sweep}
    return Rounds(plan, trials or FakeTrials(), SimpleNamespace(full=full))


def train(trial: Trial, world: World, validation: int = EVERY) -> Outcome:
    """Up to where the trial is wanted."""
    curve: dict[int, float] = {}
    for step in range(validation, STEPS + 1, validation):
        found = world(trial, step)
        if isinstance(found, str):
            return Outcome(found, {}, lambda name: curve, f"{found} at step {step}")
        curve[step] = found
        if trial.until is not None and step >= trial.until and step < STEPS:
            return Outcome("paused", {"valid/loss": found}, lambda name: curve)
    last = curve[max(curve)]
    return Outcome("finished", {"valid/loss": last, "test/loss": last}, lambda name: curve)


def open_trials(wanted: Sequence[Trial], outcomes: Mapping[str, Outcome]) -> list[Trial]:
    """Those that have not come as far as they are wanted."""

    def reached(trial: Trial) -> bool:
        outcome = outcomes.get(trial.id)
        if outcome is None or outcome.settled:
            return outcome is not None
        return trial.until is not None and max(outcome.curve("valid/loss"), default=0) >= trial.until

    return [trial for trial in wanted if not reached(trial)]


def finish(
    make: Callable[[], Rounds],
    world: World,
    order: random.Random | None = None,
    fresh: bool = False,
    validation: int = EVERY,
) -> tuple[list[Trial], dict[str, Outcome], Rounds]:
    """Train whatever is wanted until nothing is: in order, or any that is wanted.

    fresh: as if the sweep were interrupted after every trial. validation: how many steps lie between two of them.
    """
    outcomes: dict[str, Outcome] = {}
    deciding = make()
    while left := open_trials(wanted := deciding.wanted(outcomes), outcomes):
        trial = order.choice(left) if order is not None else left[0]
        outcomes[trial.id] = train(trial, world, validation)
        deciding = make() if fresh else deciding
    return wanted, outcomes, deciding


def facts(trials: Sequence[Trial]) -> list[tuple[Any, ...]]:
    """What a trial is wanted for, without the objects around it."""
    return [(t.id, t.variant.label, t.seed, t.stage, json.dumps(dict(t.tuned)), t.until) for t in trials]
