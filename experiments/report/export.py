"""Copies of the report for other programs: the ranking as `results.csv`, everything in words as `results.md`, LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from experiments.atomic import write_text
from experiments.report.findings import Findings
from experiments.report.latex import latex_table
from experiments.results import Difference, Effects, Reference, SweepResults, VariantResult, headline
from experiments.results.escaping import defused, markdown
from experiments.results.fair import held_equal, unequal
from experiments.results.headline import metric_decimals
from experiments.results.words import MISSING, clean, count, duration, fixed, interval, signed

NUMBERS = ("mean", "sd", "low_95", "high_95", "n")
DIFFERENCE = ("difference", "difference_low_95", "difference_high_95", "p", "p_holm", "effect", "verdict")
COSTS = ("parameters", "flops_per_token", "tokens_per_second", "train_seconds", "peak_memory_mb")


def write_copies(found: Findings) -> None:
    """`results.csv`, `results.md` and `results.tex` beside the page."""
    results = found.results
    for name, text in (("csv", as_csv(results)), ("md", as_markdown(found)), ("tex", latex_table(results))):
        write_text(results.folder / f"results.{name}", text, durable=False)


def as_csv(results: SweepResults) -> str:
    """Full precision, one line per row of the ranking; empty cells where nothing is known."""
    axes = list(results.plan.axes)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    header = ["rank", "kind", "label", *axes, "metric", *NUMBERS, *DIFFERENCE, "off_budget", *COSTS, "status"]
    writer.writerow([defused(clean(cell)) for cell in header])
    for row in results.rows:
        writer.writerow([defused(cell) for cell in _csv_cells(row, results, axes)])
    return out.getvalue()


def _csv_cells(row: VariantResult | Reference, results: SweepResults, axes: list[str]) -> list[object]:
    metric = results.plan.metric
    if isinstance(row, Reference):
        start: list[object] = [None, "reference", clean(row.label), *[None] * len(axes), metric.name, row.value]
        return start + [None] * (len(NUMBERS) - 1 + len(DIFFERENCE) + 1 + len(COSTS) + 1)
    found = row.estimate
    statuses = [trial.status for trial in row.trials]
    return [
        row.rank,
        "baseline" if row.is_baseline else "variant",
        clean(row.label),
        *(clean(row.variant.values.get(axis, "")) for axis in axes),
        metric.name,
        *((found.mean, found.sd, found.low, found.high, found.n) if found else (None, None, None, None, 0)),
        *_csv_difference(row.difference, metric.goal),
        row.variant.held.off if row.variant.held else None,
        *(getattr(row, cost) for cost in COSTS),
        ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses)),
    ]


def _csv_difference(found: Difference | None, goal: str) -> Iterable[object]:
    """With the interval that agrees with the verdict."""
    if found is None:
        return [None] * len(DIFFERENCE)
    ends = (found.low, found.high) if found.low_all is None else (found.low_all, found.high_all)
    return (found.mean, *ends, found.p, found.p_holm, found.effect, found.verdict(goal))


def as_markdown(found: Findings) -> str:
    """The verdict, the ranking, effects and sizes, rounded for reading; what was left out, and what failed."""
    results, plan = found.results, found.results.plan
    lines = [f"# {markdown(plan.name)}", "", markdown(headline(results)), ""]
    if facts := [*held_equal(results), *unequal(results)]:
        lines += ["Held equal:", "", *(f"- {markdown(fact)}" for fact in facts), ""]
    lines += _ranking(results)
    if plan.caveats:
        named = ((", ".join(map(markdown, caveat.variants)), caveat) for caveat in plan.caveats)
        lines += ["", *(f"- {variants}: {markdown(caveat.words)}" for variants, caveat in named)]
    lines += _effects(results, found.effects)
    if found.scaling:
        lines += [
            "",
            "## Quality against size",
            "",
            *(f"- {markdown(sentence)}" for sentence in found.scaling.order_changes),
        ]
    if plan.left_out:
        lines += ["", "Left out:", ""]
        for reason, labels in plan.left_out_by_reason.items():
            lines.append(f"- {', '.join(map(markdown, labels))}: {markdown(reason)}")
    return "\n".join(lines) + "\n"


def _ranking(results: SweepResults) -> Iterator[str]:
    decimals = metric_decimals(results)
    heads = ["#", "variant", results.plan.metric.label, "95 % interval", "n", "difference to baseline", "verdict"]
    heads += ["off budget", "parameters", "tokens/s", "training time", "notes"]
    yield _row(map(markdown, heads))
    yield "|---:|---|---:|:---:|---:|---:|---|---:|---:|---:|---:|---|"
    for row in results.rows:
        if isinstance(row, Reference):
            yield _row(["", f"*{markdown(row.label)}*", fixed(row.value, decimals), *[""] * 8, markdown(row.about)])
            continue
        found, held = row.estimate, row.variant.held
        troubles = "; ".join(f"seed {trial.seed} {trial.status}: {trial.reason}" for trial in row.troubles)
        cells = [str(row.rank or MISSING), markdown(row.label), fixed(found.mean if found else None, decimals)]
        cells += [interval(found, decimals), str(found.n if found else 0)]
        cells += [MISSING if row.is_baseline else signed(row.gap, decimals)]
        cells += [markdown(row.verdict(results.plan.metric.goal)), f"{held.off:+.2%}" if held else MISSING]
        cells += [count(row.parameters), count(row.tokens_per_second), duration(row.train_seconds), markdown(troubles)]
        yield _row(cells)


def _effects(results: SweepResults, found: Effects | None) -> Iterator[str]:
    decimals = metric_decimals(results)
    if found is None or not found.main:
        return
    yield from ("", "## What each axis does", "")
    yield _row(["axis", "value", "effect", "95 % interval", "p (Holm)"])
    yield "|---|---|---:|:---:|---:|"
    for one in found.main:
        low, high = signed(one.low_all, decimals), signed(one.high_all, decimals)
        p = MISSING if one.p_holm is None else f"{one.p_holm:.3g}"
        between = MISSING if one.low_all is None else f"{low} to {high}"
        yield _row([markdown(one.axis), markdown(one.value), signed(one.estimate.mean, decimals), between, p])
    if found.shares:
        shares = (f"{markdown(name)} {share:.0%}" for name, share in found.shares.items())
        yield from ("", f"Shares of the variance: {', '.join(shares)}.")
    yield from (line for note in found.notes for line in ("", markdown(note)))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
