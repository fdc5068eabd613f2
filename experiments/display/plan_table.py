"""The plan of a sweep for the terminal: what it is about to do. Fits 80 columns."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from experiments.console import table
from experiments.results.plan import Plan
from experiments.results.plan_words import (
    budget_in_words,
    held_in_words,
    overrides_in_words,
    short_amount,
    size_in_words,
    too_few_seeds,
    tuning_in_words,
)
from experiments.results.words import MISSING, clean, shorten, times

WIDTH = 60
"""Of a label, before it is shortened."""


def show_plan(plan: Plan, console: Console | None = None) -> None:
    """How many trials, the axes, what differs for single variants, the budget, the tuning, what is left out and why."""
    console = console or Console()
    _say(console, f"{clean(plan.name)}: {size_in_words(plan)}", "bold")
    _say(console, f"ranked by {clean(plan.metric.name)}, {plan.metric.direction}")
    if plan.tuning:
        _say(console, f"tuned before: {tuning_in_words(plan.tuning)}")
        for path, space in plan.tuning.space.items():
            _say(console, f"  {clean(path)}: {shorten(clean(space), WIDTH)}")
    _axes(console, plan)
    for when, settings, variants in overrides_in_words(plan):
        _say(console, f"where {when}: {settings} ({variants})")
    _budget(console, plan)
    if plan.left_out:
        _say(console, f"{times(len(plan.left_out), 'combination')} left out", "bold")
        left_out = table("combinations", "reason")
        for reason, labels in plan.left_out_by_reason.items():
            left_out.add_row(Text("\n".join(shorten(clean(label), WIDTH) for label in labels)), Text(clean(reason)))
            left_out.add_section()
        console.print(left_out)
    for caveat in plan.caveats:
        who = ", ".join(shorten(clean(label), WIDTH) for label in caveat.variants)
        _say(console, f"note on {who}: {clean(caveat.words)}", "yellow")
    if note := too_few_seeds(plan):
        _say(console, f"note: {note}", "yellow")


def _axes(console: Console, plan: Plan) -> None:
    if plan.axes:
        axes = table("axis", "values")
        for axis, values in plan.axes.items():
            chosen = (plan.baseline or {}).get(axis)
            marked = (f"{clean(value)} (baseline)" if value == chosen else clean(value) for value in values)
            scaled = " (the size)" if axis == plan.scaling else ""
            axes.add_row(Text(f"{clean(axis)}{scaled}"), Text(", ".join(shorten(value, WIDTH) for value in marked)))
        console.print(axes)
    label = plan.baseline_label
    if label is not None and not any((plan.baseline or {}).get(axis) in plan.axes[axis] for axis in plan.axes):
        _say(console, f"baseline: {shorten(clean(label), WIDTH)}")


def _budget(console: Console, plan: Plan) -> None:
    if plan.budget is None:
        return
    _say(console, f"held equal: {budget_in_words(plan)}", "bold")
    budget = table("variant", plan.budget.by.split(".")[-1], plan.budget.hold, "off")
    for column in budget.columns[1:]:
        column.justify = "right"
    for variant in plan.variants:
        if variant.held is None:
            budget.add_row(Text(shorten(clean(variant.label), WIDTH)), MISSING, MISSING, MISSING)
            continue
        value, off = held_in_words(variant.held)
        budget.add_row(
            Text(shorten(clean(variant.label), WIDTH)), value, short_amount(plan.budget.hold, variant.held.amount), off
        )
    console.print(budget)


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style))
