"""What was the same for all variants, checked on what the trials left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from experiments.results.trial import Trial
from experiments.results.words import clean, times

if TYPE_CHECKING:
    from experiments.results.sweep import SweepResults

DATA = ("data", "task", "trainer")
"""Blocks of a spec that decide which batches a trial sees, and how many."""


def held_equal(results: SweepResults) -> tuple[str, ...]:
    """Sentences on what was held equal, for a reader who wonders whether the comparison is fair."""
    found = []
    groups = [group for group in _groups(results) if len({trial.variant for trial in group}) > 1]
    if groups and not unequal(results):
        seeds = len({trial.seed for group in groups for trial in group})
        variants = len({trial.variant for group in groups for trial in group})
        found.append(
            f"with each of {times(seeds, 'seed')}, {variants} variants saw the same batches in the same order "
            "(by the digest of every batch)"
        )
    if results.plan.budget is not None:
        found.append(budget_words(results))
    tries = [trial for trial in results.trials if trial.stage == "tune"]
    if tries:
        each = {sum(trial.variant == label for trial in tries) for label in {trial.variant for trial in tries}}
        number = f"{min(each)} to {max(each)} trials" if len(each) > 1 else times(min(each), "trial")
        found.append(f"the effort of tuning: {number} for each variant")
    return tuple(found)


def unequal(results: SweepResults) -> tuple[str, ...]:
    """Sentences on variants that should have seen the same batches with a seed and did not."""
    return tuple(
        f"seed {group[0].seed}: {clean(group[0].variant)} and {clean(other.variant)} did not see the same batches in "
        "the same order, so they cannot be compared fairly"
        for group in _groups(results)
        if (other := next((trial for trial in group if _batches(trial) != _batches(group[0])), None)) is not None
    )


def budget_words(results: SweepResults) -> str:
    """`parameters, by hidden, to within 0.31% (the most, at performer)`; "" without a budget."""
    budget = results.plan.budget
    return f"{clean(budget.hold)}, by {clean(budget.by)}{_mismatch(results)}" if budget else ""


def _mismatch(results: SweepResults) -> str:
    """The largest mismatch that the budget's solution left, in words."""
    off = [(abs(variant.held.off), variant) for variant in results.plan.variants if variant.held]
    if not off:
        return ""
    most, variant = max(off, key=lambda pair: pair[0])
    return f", to within {most:.2%} (the most, at {clean(variant.label)})" if most else ", exactly"


def _groups(results: SweepResults) -> Iterator[list[Trial]]:
    """Finished trials whose batches should be the same: of one seed, number of steps and settings of the data."""
    settings = {variant.label: variant.settings for variant in results.plan.variants}
    groups: dict[str, list[Trial]] = {}
    for trial in results.compared:
        if trial.finished and _batches(trial) and trial.summary:
            own = {**settings.get(trial.variant, {}), **trial.tuned}
            of_data = {path: value for path, value in own.items() if path.split(".")[0] in DATA}
            key = json.dumps([trial.seed, trial.summary.steps, of_data], sort_keys=True, default=str)
            groups.setdefault(key, []).append(trial)
    yield from groups.values()


def _batches(trial: Trial) -> str:
    return trial.summary.batches if trial.summary else ""
