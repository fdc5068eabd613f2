"""Tables for the terminal: the plan before a sweep and the ranking after it. Both fit 80 columns."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from experiments.console import table
from experiments.results.headline import headline, metric_decimals
from experiments.results.plan import Plan, Reference
from experiments.results.sweep import SweepResults, VariantResult
from experiments.results.words import MISSING, clean, count, fixed, shorten, signed, times


def show_plan(plan: Plan, console: Console | None = None) -> None:
    """What a sweep is about to do: its axes, how many trials, and what is left out and why."""
    console = console or Console()
    trials = f"{times(len(plan.trials), 'trial')}: {times(len(plan.variants), 'variant')}"
    _say(console, f"{clean(plan.name)}: {trials} x {times(len(plan.seeds), 'seed')}", "bold")
    _say(console, f"ranked by {plan.metric.name}, {plan.metric.direction}")
    if plan.axes:
        axes = table("axis", "values")
        for axis, values in plan.axes.items():
            chosen = (plan.baseline or {}).get(axis)
            marked = (f"{clean(value)} (baseline)" if value == chosen else clean(value) for value in values)
            axes.add_row(Text(clean(axis)), Text(", ".join(shorten(value, 60) for value in marked)))
        console.print(axes)
    if plan.left_out:
        _say(console, f"{times(len(plan.left_out), 'combination')} left out", "bold")
        left_out = table("combinations", "reason")
        for reason, labels in plan.left_out_by_reason.items():
            left_out.add_row(Text("\n".join(shorten(clean(label), 60) for label in labels)), Text(clean(reason)))
            left_out.add_section()
        console.print(left_out)
    _say_caveats(console, plan)


def ranked_table(results: SweepResults, console: Console | None = None) -> None:
    """The answer: every variant, best first, references and failures in their places."""
    console = console or Console()
    decimals = metric_decimals(results)
    with_baseline = results.baseline is not None
    ranking = table()
    columns = ["#", "variant", "mean", "± 95 %", "n", *(["Δ base"] if with_baseline else []), "params", "tok/s"]
    for heading in columns:
        ranking.add_column(heading, justify="left" if heading == "variant" else "right", no_wrap=True)
    rows = [(_cells(row, decimals, with_baseline), _style(row)) for row in results.rows]
    # The numbers are never cut: names get what they leave, two characters going between columns.
    widths = [max(map(len, column)) for column in zip(columns, *(cells for cells, _ in rows), strict=True)]
    name_width = max(12, console.width - sum(widths[:1] + widths[2:]) - 2 * len(columns))
    for cells, style in rows:
        ranking.add_row(*(Text(shorten(cell, name_width)) for cell in cells), style=style)
    _say(console, headline(results), "bold")
    _say(console, f"{results.plan.metric.label} (mean over seeds), {results.plan.metric.direction}", "dim")
    console.print(ranking)
    for trial in results.failures:
        who = shorten(clean(trial.variant), 40)
        _say(console, f"{who}, seed {trial.seed}: {trial.status}, {clean(trial.reason)}", "red")
    _say_caveats(console, results.plan)
    if results.plan.left_out:
        _say(console, f"{times(len(results.plan.left_out), 'combination')} left out: see the report")


def _say_caveats(console: Console, plan: Plan) -> None:
    for caveat in plan.caveats:
        who = ", ".join(shorten(clean(label), 60) for label in caveat.variants)
        _say(console, f"note on {who}: {clean(caveat.words)}", "yellow")


def _cells(row: VariantResult | Reference, decimals: int, with_baseline: bool) -> list[str]:
    if isinstance(row, Reference):
        cells = ["", f"({clean(row.label)})", fixed(row.value, decimals), "", ""]
        cells += [""] * (3 if with_baseline else 2)
    else:
        found = row.estimate
        trouble = ", ".join(dict.fromkeys(trial.status for trial in row.trials if not trial.finished))
        cells = [
            str(row.rank or MISSING),
            row.label,
            fixed(found.mean if found else None, decimals) if found else trouble or MISSING,
            fixed(found.half_width, decimals) if found else "",
            str(found.n if found else 0),
        ]
        if with_baseline:
            cells.append("baseline" if row.is_baseline else signed(row.gap, decimals))
        cells += [count(row.parameters), count(row.tokens_per_second)]
    return [clean(cell) for cell in cells]


def _style(row: VariantResult | Reference) -> str:
    if isinstance(row, Reference):
        return "cyan"
    if row.rank is None:
        return "red"
    return "bold" if row.rank == 1 else ""


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style))
