"""What a sweep is about to do, in sentences; shared by `check` and the tables of the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.results.plan import Held, Plan, TuningFacts
from experiments.results.statistics import FEWEST_SEEDS
from experiments.results.words import clean, count, duration, times


def size_in_words(plan: Plan) -> str:
    """`9 trials: 3 variants x 3 seeds`."""
    variants, seeds = len(plan.variants), len(plan.seeds)
    of_tuning = f", after {_tries(variants * plan.tuning.tries)}" if plan.tuning else ""
    if plan.most_seeds is None:
        return f"{times(variants * seeds, 'trial')}: {times(variants, 'variant')} x {times(seeds, 'seed')}{of_tuning}"
    least = f"at least {times(variants * seeds, 'trial')}: {times(variants, 'variant')}"
    return f"{least} x {seeds} to {plan.most_seeds} seeds, as many as it takes{of_tuning}"


def too_few_seeds(plan: Plan) -> str:
    """That there will be no verdict, if so; "" otherwise."""
    most = plan.most_seeds or len(plan.seeds)
    if most >= FEWEST_SEEDS or len(plan.variants) < 2:
        return ""
    return f"no verdict with {times(most, 'seed')}: it takes {FEWEST_SEEDS}"


def tuning_in_words(tuning: TuningFacts) -> str:
    """How settings are chosen: `8 tries (random) for each variant, the best by valid/loss`."""
    seeds = f" with {times(tuning.seeds, 'seed')} each" if tuning.seeds > 1 else ""
    halving = f", 1/{tuning.halving} of them going on at every rung" if tuning.halving else ""
    chosen = f"for each variant{halving}, the best by {clean(tuning.metric)}"
    return f"{_tries(tuning.tries)} ({clean(tuning.search)}){seeds} {chosen}"


def overrides_in_words(plan: Plan) -> list[tuple[str, str, str]]:
    """(`model.attention = performer`, `optimizer.lr = 0.0003`, `2 variants`) for each override."""
    return [(_pairs(item.when), _pairs(item.set), times(len(item.variants), "variant")) for item in plan.overrides]


def budget_in_words(plan: Plan) -> str:
    """`12.3k parameters, by model.feedforward.hidden, to within 1%`; "" without a budget."""
    budget = plan.budget
    if budget is None:
        return ""
    return f"{amount(budget.hold, budget.target)}, by {clean(budget.by)}, to within {100 * budget.tolerance:.3g}%"


def held_in_words(held: Held) -> tuple[str, str]:
    """The value that was solved for, and how far the variant is from the budget: (`72`, `+0.31%`)."""
    return f"{held.value:.10g}", f"{held.off:+.2%}".replace("-", "\u2212") if held.off else "exact"


def amount(hold: str, value: float) -> str:
    """An amount of what a budget holds, with its unit."""
    match hold:
        case "memory":
            return f"{value / 2**20:,.4g} MB of training memory"
        case "time":
            return f"{duration(value)} of training"
        case "flops":
            return f"{value:.3g} FLOPs of training"
        case _:
            return f"{count(value)} {clean(hold)}"


def short_amount(hold: str, value: float) -> str:
    """The same in a table whose head says what is held."""
    match hold:
        case "memory":
            return f"{value / 2**20:,.4g} MB"
        case "time":
            return duration(value)
        case _:
            return count(value)


def _pairs(words: Mapping[str, str]) -> str:
    return ", ".join(f"{clean(path)} = {clean(value)}" for path, value in words.items())


def _tries(number: int) -> str:
    return "1 try" if number == 1 else f"{number} tries"
