"""From the axes of a sweep to what is trained, what is left out and why, and the baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.results.plan import LeftOut
from experiments.sweep.adjusted import excluded, lacking, overridden
from experiments.sweep.axes import Factor
from experiments.sweep.baseline import find_baseline
from experiments.sweep.checked import can_be_trained
from experiments.sweep.combinations import Combination, combinations
from experiments.sweep.conditions import Conditions
from experiments.sweep.findings import Findings
from experiments.sweep.named import named_combinations
from experiments.sweep.specs import Specs
from registry.errors import Path


@dataclass(frozen=True)
class Settled:
    """kept: what is trained, in its order. baseline: the label of one of them, or None."""

    kept: Sequence[Combination]
    left_out: Sequence[LeftOut]
    baseline: str | None


def settle(found: Findings, factors: Sequence[Factor], specs: Specs) -> Settled:
    """Cross the axes, add what is listed by name, and check each. Mistakes are collected in `found`."""
    sweep = found.sweep
    by_path = {path: factor for factor in factors for path in factor.values}
    conditions = Conditions(by_path, specs)
    crossed = combinations(factors, conditions) if factors else []
    named = named_combinations(sweep["variants"] or {}, by_path)
    _names_are_free(found, crossed, named)
    reasons = {
        combination.label: reason
        for combination in crossed
        if (reason := excluded(combination, sweep["exclude"] or [], conditions)) is not None
    }
    plain = [combination for combination in [*crossed, *named] if combination.label not in reasons]
    # an override may set an axis, and so change the label
    adjusted = {
        combination.label: overridden(combination, sweep["overrides"] or [], conditions) for combination in plain
    }
    _labels_are_told_apart(found, list(adjusted.values()))
    impossible = can_be_trained(found, list(adjusted.values()), specs)
    reasons |= {label: impossible[other.label] for label, other in adjusted.items() if other.label in impossible}
    final = {combination.label: adjusted.get(combination.label, combination) for combination in [*crossed, *named]}
    kept = [combination for label, combination in final.items() if label not in reasons]
    if not kept and not found.problems:
        found.say(("sweep", "axes"), f"no combination can be trained: {'; '.join(dict.fromkeys(reasons.values()))}")
    if not found.problems:
        _overrides_are_met(found, plain, list(adjusted.values()), kept, conditions)
    baseline = find_baseline(found, by_path, crossed, reasons)
    return Settled(
        kept,
        [LeftOut(c.label, c.values, reasons[label]) for label, c in final.items() if label in reasons],
        None if baseline is None else final[baseline].label,
    )


def _names_are_free(found: Findings, crossed: Sequence[Combination], named: Sequence[Combination]) -> None:
    labels = {combination.label for combination in crossed}
    for combination in named:
        name = combination.label
        if name in labels:
            found.say(("sweep", "variants", name), "is the label of a combination of the axes, too", key=True)
        elif not name.strip():
            found.say(("sweep", "variants", name), "a name is a word or more", key=True)


def _labels_are_told_apart(found: Findings, adjusted: Sequence[Combination]) -> None:
    """Overrides of an axis must not give two combinations the same label."""
    labels = Counter(combination.label for combination in adjusted)
    for combination in adjusted:
        if labels[combination.label] > 1 and combination.overrides:
            at = ("sweep", "overrides", combination.overrides[-1], "set")
            found.say(at, f"makes [{combination.label}] the label of two variants; exclude one of them")


def _overrides_are_met(
    found: Findings,
    plain: Sequence[Combination],
    adjusted: Sequence[Combination],
    kept: Sequence[Combination],
    conditions: Conditions,
) -> None:
    for number, override in enumerate(found.sweep["overrides"] or []):
        if any(number in combination.overrides for combination in kept):
            continue
        lost = [combination.label for combination in adjusted if number in combination.overrides]
        why = lacking(override["when"], plain, conditions)
        if lost:
            why = f"{', '.join(f'[{label}]' for label in lost)} cannot be trained"
        found.say(("sweep", "overrides", number, "when"), f"matches no variant: {why}")


def refuse_twins(found: Findings, named: Sequence[tuple[str, str]]) -> None:
    """Two variants with the same settings would be one model under two names. named: (label, text of the settings)."""
    first: dict[str, str] = {}
    for label, text in named:
        if text in first:
            at: Path = ("sweep", "variants", label) if label in (found.sweep["variants"] or {}) else ("sweep", "axes")
            found.say(at, f"[{first[text]}] and [{label}] are the same in every setting", key=True)
        first.setdefault(text, label)
