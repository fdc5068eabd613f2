"""`swapformer diff`: what sets two trials or two sweeps apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from experiments.results.apart import Apart, Change
    from experiments.results.statistics import Estimate

_LONGEST = 100


@click.command("diff")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(a: Path, b: Path, form: str) -> None:
    """What sets A and B apart: settings, environment, metrics, cost; two trials, runs or sweeps.

    \b
    swapformer diff runs/demo-1a2b3c4d runs/demo-5e6f7a8b
    swapformer diff runs/demo/3f2a runs/demo/77c0
    swapformer diff runs/monday runs/tuesday --format json

    A trial of a sweep is named by the start of its id: runs/demo/3f2a. Only what differs is shown, A -> B; of two
    sweeps, the means of the variants that both have stand side by side. Changes nothing.
    """
    from experiments.results.apart import sweeps_apart, trials_apart
    from experiments.results.find import find
    from experiments.results.plan import ResultsError
    from experiments.results.sweep import SweepResults
    from experiments.results.trial import Trial

    problems: list[str] = []
    left, right = find(a, problems), find(b, problems)
    if isinstance(left, Trial) and isinstance(right, Trial):
        apart = trials_apart(left, right, problems)
    elif isinstance(left, SweepResults) and isinstance(right, SweepResults):
        apart = sweeps_apart(left, right, problems)
    else:
        sweep = a if isinstance(left, SweepResults) else b
        raise ResultsError(f"{sweep} is a sweep and the other is a trial; name a trial of it: {sweep}/ID")
    for problem in dict.fromkeys(problems):
        click.echo(f"note: {problem}", err=True)
    if form == "json":
        import json

        click.echo(json.dumps(_as_json(apart), indent=1, default=repr))
    else:
        _show(apart)


def _show(apart: Apart) -> None:
    from experiments.results.words import clean

    click.echo(f"A {clean(apart.a)}\nB {clean(apart.b)}")
    settings = "settings" + (f" (those of the trials as in {clean(apart.about)})" if apart.about else "")
    _section(settings, ("", "A", "B"), _changed(apart.settings))
    if apart.environment_known:
        _section("environment", ("", "A", "B"), _changed(apart.environment))
    else:
        click.echo("\nenvironment: one of them does not say")
    if apart.kind == "sweeps":
        _section("trials", ("", "A", "B"), _changed(apart.outcome))
        means = [[clean(label), *_estimate(a), *_estimate(b), _gap(a, b)] for label, a, b in apart.variants]
        _section(apart.metric, ("variant", "A", "95 %", "n", "B", "95 %", "n", "B - A"), means)
        return
    _section("outcome", ("", "A", "B"), _changed(apart.outcome))
    for title, quantities in (("metrics", apart.metrics), ("cost", apart.costs)):
        rows = [(q.name, _number(q.a), _number(q.b), _number(q.difference, sign="+")) for q in quantities]
        _section(title, ("", "A", "B", "B - A"), rows)


def _section(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal, aligned lines elsewhere; a line where nothing differs."""
    from rich.text import Text

    from experiments.console import aligned, console, on_terminal, table

    click.echo(f"\n{title}" + ("" if rows else ": no difference"))
    if not rows:
        return
    if not on_terminal():
        click.echo("\n".join(f"  {line}" for line in aligned([heads, *rows])))
        return
    lines = table()
    for place, head in enumerate(heads):
        lines.add_column(head, overflow="fold", justify="left" if place == 0 or len(heads) == 3 else "right")
    for row in rows:
        lines.add_row(*map(Text, row))
    console().print(lines)


def _changed(found: Sequence[Change]) -> list[tuple[str, str, str]]:
    from experiments.results.words import clean

    return [(clean(change.path), _value(change.a), _value(change.b)) for change in found]


def _value(value: Any) -> str:
    from experiments.cli.words import value_in_words
    from experiments.results.apart import ABSENT
    from experiments.results.words import MISSING, clean, shorten

    return MISSING if value is ABSENT else shorten(clean(value_in_words(value)), _LONGEST)


def _number(value: float | None, sign: str = "") -> str:
    from experiments.results.words import MISSING

    return MISSING if value is None else f"{value:{sign}.6g}"


def _estimate(found: Estimate | None) -> tuple[str, str, str]:
    from experiments.results.words import MISSING

    if found is None:
        return MISSING, "", "0"
    between = "" if found.low is None else f"{found.low:.5g} to {found.high:.5g}"
    return f"{found.mean:.5g}", between, str(found.n)


def _gap(a: Estimate | None, b: Estimate | None) -> str:
    return "" if a is None or b is None else f"{b.mean - a.mean:+.4g}"


def _as_json(apart: Apart) -> dict[str, Any]:
    from experiments.results.apart import ABSENT

    def listed(found: Sequence[Change]) -> list[dict[str, Any]]:
        sides = [(c.path, {"a": c.a, "b": c.b}) for c in found]
        return [{"path": path, **{k: v for k, v in side.items() if v is not ABSENT}} for path, side in sides]

    told: dict[str, Any] = {
        "kind": apart.kind,
        "a": apart.a,
        "b": apart.b,
        "settings": listed(apart.settings),
        "environment": listed(apart.environment),
        "outcome": listed(apart.outcome),
    }
    if apart.kind == "sweeps":
        sides = [(label, {"a": vars(a) if a else None, "b": vars(b) if b else None}) for label, a, b in apart.variants]
        return told | {"metric": apart.metric, "variants": [{"variant": label, **side} for label, side in sides]}
    numbers = {"metrics": apart.metrics, "costs": apart.costs}
    return told | {
        name: [{"name": q.name, "a": q.a, "b": q.b, "difference": q.difference} for q in quantities]
        for name, quantities in numbers.items()
    }
