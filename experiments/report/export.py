"""The ranking as `results.csv` for programs and `results.md` for documents."""

from __future__ import annotations

import csv
import io

from experiments.atomic import write_text
from experiments.results import Reference, SweepResults, VariantResult, headline
from experiments.results.headline import metric_decimals
from experiments.results.words import MISSING, clean, count, duration, fixed, interval, signed


def write_csv(results: SweepResults) -> None:
    """Full precision, one line per row of the ranking; empty cells where nothing is known."""
    axes = list(results.plan.axes)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    numbers = ["mean", "sd", "low_95", "high_95", "n", "difference", "difference_low_95", "difference_high_95"]
    costs = ["parameters", "flops_per_token", "tokens_per_second", "train_seconds", "peak_memory_mb"]
    header = ["rank", "kind", "label", *axes, "metric", *numbers, "verdict", *costs, "status"]
    writer.writerow([defused(cell) for cell in header])
    for row in results.rows:
        writer.writerow([defused(cell) for cell in _csv_cells(row, results, axes)])
    write_text(results.folder / "results.csv", out.getvalue(), durable=False)


def defused(cell: object) -> object:
    """Text that a spreadsheet would run as a formula, made plain text by a leading apostrophe; numbers unchanged."""
    if isinstance(cell, str) and cell.lstrip()[:1] in ("=", "+", "-", "@"):
        return f"'{cell}"
    return "" if cell is None else cell


def _csv_cells(row: VariantResult | Reference, results: SweepResults, axes: list[str]) -> list[object]:
    metric = results.plan.metric
    if isinstance(row, Reference):
        start: list[object] = [None, "reference", clean(row.label), *[None] * len(axes), metric.name, row.value]
        return start + [None] * 14
    found, difference = row.estimate, row.difference
    statuses = [trial.status for trial in row.trials]
    return [
        row.rank,
        "baseline" if row.is_baseline else "variant",
        clean(row.label),
        *(clean(row.variant.values.get(axis, "")) for axis in axes),
        metric.name,
        *((found.mean, found.sd, found.low, found.high, found.n) if found else (None, None, None, None, 0)),
        *((difference.mean, difference.low, difference.high) if difference else (None, None, None)),
        difference.verdict(metric.goal) if difference else None,
        row.parameters,
        row.flops_per_token,
        row.tokens_per_second,
        row.train_seconds,
        row.peak_memory_mb,
        ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses)),
    ]


def write_markdown(results: SweepResults) -> None:
    """The headline and the ranking as a Markdown table, rounded for reading."""
    decimals, metric = metric_decimals(results), results.plan.metric
    heads = ["#", "variant", metric.label, "95 % interval", "n", "difference to baseline", "parameters", "tokens/s"]
    heads += ["training time", "notes"]
    lines = [f"# {escaped(results.plan.name)}", "", escaped(headline(results)), "", _row(heads)]
    lines.append("|---:|---|---:|:---:|---:|---:|---:|---:|---:|---|")
    for row in results.rows:
        if isinstance(row, Reference):
            lines.append(
                _row(["", f"*{escaped(row.label)}*", fixed(row.value, decimals), *[""] * 6, escaped(row.about)])
            )
            continue
        found = row.estimate
        troubles = "; ".join(f"seed {trial.seed} {trial.status}: {trial.reason}" for trial in row.troubles)
        lines.append(
            _row(
                [
                    str(row.rank or MISSING),
                    escaped(row.label),
                    fixed(found.mean if found else None, decimals),
                    interval(found, decimals),
                    str(found.n if found else 0),
                    "baseline" if row.is_baseline else signed(row.gap, decimals),
                    count(row.parameters),
                    count(row.tokens_per_second),
                    duration(row.train_seconds),
                    escaped(troubles),
                ]
            )
        )
    if results.plan.caveats:
        named = ((", ".join(map(escaped, caveat.variants)), caveat) for caveat in results.plan.caveats)
        lines += ["", *(f"- {variants}: {escaped(caveat.words)}" for variants, caveat in named)]
    if results.plan.left_out:
        lines += ["", "Left out:", ""]
        for reason, labels in results.plan.left_out_by_reason.items():
            lines.append(f"- {', '.join(map(escaped, labels))}: {escaped(reason)}")
    write_text(results.folder / "results.md", "\n".join(lines) + "\n", durable=False)


def escaped(text: str) -> str:
    """Text that Markdown and the HTML inside it take literally."""
    plain = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{char}" if char in "\\|`*_[]" else char for char in plain)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
