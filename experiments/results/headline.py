"""The answer of a sweep: the verdict in one sentence, then what it was held to."""

from __future__ import annotations

import math
from collections import Counter

from experiments.results.fair import budget_words
from experiments.results.notes import noise_words
from experiments.results.statistics import FEWEST_SEEDS, MOST_SEEDS
from experiments.results.sweep import SweepResults
from experiments.results.variant_result import VariantResult
from experiments.results.verdict import Difference
from experiments.results.words import (
    clean,
    decimals_for,
    fixed,
    interval,
    listed,
    shorten,
    signed,
    signed_interval,
    times,
)


def metric_decimals(results: SweepResults) -> int:
    """The decimals that every table of a sweep shows its metric with."""
    return decimals_for(result.estimate.mean for result in results.ranked if result.estimate)


def headline(results: SweepResults) -> str:
    """The verdict in one sentence; then, where it applies, what was held equal and which data it was measured on."""
    return " ".join([f"{_verdict(results)}.", *(f"{sentence}." for sentence in conditions(results))])


def verdict(results: SweepResults) -> str:
    """The first sentence of the headline."""
    return f"{_verdict(results)}."


def _verdict(results: SweepResults) -> str:
    ranked, base = results.ranked, results.baseline
    if not ranked:
        return f"No trial has finished yet ({_counts(results)}): nothing can be ranked"
    if base is not None and base.rank is None:
        lost = base.lost or "not finished"
        return f"Nothing can be compared with the baseline {_name(base)} ({lost}): {_first(results)}"
    if base is None or len(ranked) == 1:
        return _first(results)
    return _against(results, base)


def _against(results: SweepResults, base: VariantResult) -> str:
    """How the variants compare with a baseline that has a result."""
    goal, rows = results.plan.metric.goal, [row for row in results.ranked if row.difference and row.difference.tested]
    found = [(row, row.difference, row.difference.verdict(goal)) for row in rows if row.difference]
    tally, value = Counter(verdict for *_, verdict in found), _value(results, base, "; {}")
    if not found:
        seeds = max((row.difference.n for row in results.ranked if row.difference), default=0)
        have = f"with {times(seeds, 'seed')}" if seeds else "without a seed that they share"
        start = f"{_value_of(results, results.ranked[0])}; " if not results.ranked[0].is_baseline else ""
        return (
            f"{start}nothing can be told from the baseline {_name(base)} ({value}) {have}: a verdict needs "
            f"at least {FEWEST_SEEDS}"
        )
    best = next(((row, difference) for row, difference, verdict in found if verdict == "better"), None)
    if best is not None:
        row, difference = best
        first = results.ranked[0]
        ahead = f"; {_name(first)} has the best mean, but is {first.verdict(goal)}" if first.rank != row.rank else ""
        assert row.estimate is not None
        assert base.estimate is not None
        decimals = metric_decimals(results)
        return (
            f"{_name(row)} is better than the baseline {_name(base)}: {fixed(row.estimate.mean, decimals)} against "
            f"{fixed(base.estimate.mean, decimals)} {results.plan.metric.label} "
            f"({_evidence(results, difference)}){ahead}; {_tally(tally, len(found))}"
        )
    if tally["worse"]:
        return (
            f"No variant is shown to be better than the baseline {_name(base)} ({value}): {_tally(tally, len(found))}"
        )
    floor = f"; {noise_words(results.noise, metric_decimals(results))}" if results.noise else ""
    nearest, difference = min(((row, one) for row, one, _ in found), key=lambda pair: pair[1].p or 0.0)
    needed = difference.seeds_needed
    need = f", would need {_seeds(needed)}" if needed else ""
    return (
        f"No variant can be told from the baseline {_name(base)} ({value}): the clearest difference, that of "
        f"{_name(nearest)} ({_evidence(results, difference)}){need}{floor}"
    )


def _first(results: SweepResults) -> str:
    """The first of the ranking, and whether it is ahead of the second."""
    ranked, start = results.ranked, _value_of(results, results.ranked[0])
    if len(ranked) == 1:
        return start
    second, lead = ranked[1], results.lead
    assert second.estimate is not None
    runner_up = f"the runner-up {_name(second)} ({fixed(second.estimate.mean, metric_decimals(results))})"
    if lead is None or not lead.tested:
        enough = f"{FEWEST_SEEDS} seeds that both have"
        return f"{start}; whether it differs from {runner_up} cannot be said: that takes {enough}"
    if lead.verdict(results.plan.metric.goal) == "better":
        luck = ", by less than the luck of one seed" if lead.within_luck else ""
        return f"{start}; it is better than {runner_up}{luck} ({_evidence(results, lead)})"
    need = f"; that would need {_seeds(lead.seeds_needed)}" if lead.seeds_needed else ""
    return f"{start}; it cannot be told from {runner_up} ({_evidence(results, lead)}){need}"


def _evidence(results: SweepResults, found: Difference) -> str:
    decimals = metric_decimals(results)
    if found.mean:
        # Two digits of the difference at least.
        decimals = max(decimals, min(8, 1 - math.floor(math.log10(abs(found.mean)))))
    between = f"95 % interval {signed_interval(found.low_all, found.high_all, decimals)}"
    parts = [f"difference {signed(found.mean, decimals)}", between if found.low_all is not None else "no interval"]
    parts.append(times(found.n, "seed"))
    if found.comparisons > 1:
        parts.append(f"corrected for {found.comparisons} comparisons")
    if found.lost:
        parts.append(found.lost)
    return ", ".join(parts)


def _tally(tally: Counter[str], total: int) -> str:
    words = [f"{tally[verdict]} {verdict}" for verdict in ("better", "worse", "not distinguishable") if tally[verdict]]
    first, *rest = words
    number, verdict = first.split(" ", 1)
    verb = "is" if number == "1" else "are"
    return ", ".join([f"{number} of {times(total, 'variant')} {verb} {verdict}", *rest])


def _seeds(number: int) -> str:
    return f"more than {MOST_SEEDS:,} seeds" if number > MOST_SEEDS else f"about {number} seeds"


def _value_of(results: SweepResults, row: VariantResult) -> str:
    """`full / rotary ranks first on validation loss with 2.31 (95 % interval 2.29 to 2.33, 5 seeds)`."""
    metric, value = results.plan.metric.label, _value(results, row)
    if len(results.ranked) == 1:
        return f"{_name(row)} reached {metric}: {value}"
    return f"{_name(row)} ranks first on {metric} with {value}"


def _value(results: SweepResults, row: VariantResult, between: str = " ({})") -> str:
    """The mean, and in brackets its interval, its seeds and what of it was lost."""
    found, decimals = row.estimate, metric_decimals(results)
    assert found is not None
    spread = "one seed, so no interval"
    if found.n > 1:
        spread = f"95 % interval {interval(found, decimals)}, {times(found.n, 'seed')}"
    about = ", ".join([spread, row.lost] if row.lost else [spread])
    return f"{fixed(found.mean, decimals)}{between.format(about)}"


def conditions(results: SweepResults) -> list[str]:
    """The sentences after the verdict, without their full stops: the budget, if there is one, and what was tuned."""
    plan, found = results.plan, []
    if plan.budget is not None:
        found.append(f"Held equal: {budget_words(results)}")
    if plan.tuning or plan.tries:
        paths = plan.tuning.space if plan.tuning else {path for trial in plan.tries for path in trial.tuned}
        tuned = listed([clean(path) for path in sorted(paths)] or ["settings"])
        if plan.metric.name.startswith("test/"):
            found.append(f"Measured on test data; {tuned} tuned for each variant on validation data")
        else:
            found.append(
                f"{tuned} tuned for each variant on the data that it is measured on, which flatters all of them"
            )
    return found


def _name(result: VariantResult) -> str:
    return shorten(clean(result.label), 60)


def _counts(results: SweepResults) -> str:
    return ", ".join(f"{number} {status}" for status, number in results.counts.items()) or "no trials"
