"""Whether results hold what a row asks for."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from benchmarks.recipes.outcome import Outcome
from benchmarks.recipes.row import Claim, Row
from experiments.results.verdict import corrected, paired_difference


@dataclass(frozen=True)
class Judged:
    """A bar's target with its value. held: None where nothing is known of it."""

    target: str
    value: float | None
    held: bool | None


def judged(row: Row, outcome: Outcome) -> list[Judged]:
    """Every target of the bar, against the median over seeds."""
    found = outcome.variant(row.variant)
    if row.bar is None or found is None:
        return []
    median = statistics.median(found.of(row.metric).values())
    verdicts = []
    for target in row.bar.targets:
        value = _value(row, outcome, target) if isinstance(target, str) else target
        held = None if value is None else row.bar.holds(median, value)
        verdicts.append(Judged(target if isinstance(target, str) else "", value, held))
    return verdicts


def _value(row: Row, outcome: Outcome, label: str) -> float | None:
    """What a label stands for: a baseline, or the median of another variant."""
    for reference in outcome.references:
        if (reference.label, reference.metric) == (label, row.metric):
            return reference.value
    other = outcome.variant(label)
    return None if other is None else statistics.median(other.of(row.metric).values())


@dataclass(frozen=True)
class Tested:
    """A claim and what the seeds say of it: better, worse, not distinguishable; or that too little is known."""

    claim: Claim
    better: float | None
    worse: float | None
    verdict: str


def against_claims(row: Row, outcome: Outcome, goal: str) -> list[Tested]:
    """Every claim by the paired test over seeds, corrected over the claims of the row. goal: minimize or maximize."""
    values = {found.label: found.of(row.metric) for found in outcome.variants}
    pairs = {number: (values.get(c.better, {}), values.get(c.worse, {})) for number, c in enumerate(row.claims)}
    differences = {str(n): found for n, pair in pairs.items() if (found := paired_difference(*pair)) is not None}
    done = corrected(differences)
    rows = []
    for number, claim in enumerate(row.claims):
        difference = done.get(str(number))
        better, worse = (statistics.median(side.values()) if side else None for side in pairs[number])
        rows.append(Tested(claim, better, worse, "not trained" if difference is None else difference.words(goal)))
    return rows


def goal_of(row: Row) -> str:
    """Whether a larger or a smaller value of the metric is better."""
    from experiments.results.sweep import MINIMIZED

    if row.bar is not None:
        return "minimize" if row.bar.side in ("at most", "below") else "maximize"
    return "minimize" if row.metric.endswith(MINIMIZED) else "maximize"
