"""docs/recipes.md, from the rows and what came out of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.recipes.judged import against_claims, goal_of, judged
from benchmarks.recipes.outcome import Outcome, Trained
from benchmarks.recipes.row import Row
from experiments.results.statistics import estimate
from experiments.results.words import count, duration

INTRO = """\
# Recipes

Every row is a spec that ships, trained with three seeds on data that ship, on a CPU. The median over the seeds is what
is held against the bar; behind it stands the 95 % t interval of the mean over seeds. All numbers are of the test split,
on which each run's best weights on the validation split are evaluated once. Baselines are computed on the same split.

`swapformer sweep recipes/NAME --out runs/recipes` trains one, `make recipes` all of them and writes this page
(`python -m benchmarks.recipes NAME --write` one row of it). Times are of one run, on one core
unless its spec asks for two processes.
"""


def page(rows: Sequence[Row], outcomes: Mapping[str, Outcome]) -> str:
    """The whole page; a row without a result says so."""
    done = {row.spec: outcomes[row.spec] for row in rows if row.spec in outcomes}
    parts = [INTRO, *_overview(rows, done)]
    for group in ("recipes", "long range", "diagnostics"):
        of_group = [row for row in rows if row.group == group]
        if not of_group:
            continue
        parts.append(f"## {group.capitalize()}\n")
        if group == "diagnostics":
            parts += _claims(of_group, done)
        for row in of_group:
            parts += _section(row, done.get(row.spec))
    return "\n".join(parts).rstrip() + "\n"


def _overview(rows: Sequence[Row], done: Mapping[str, Outcome]) -> Iterator[str]:
    yield "## All of them\n"
    lines = []
    for row in rows:
        outcome = done.get(row.spec)
        if outcome is None:
            lines.append([f"[{row.title}](#{_anchor(row)})", row.system, "not trained yet", "", ""])
            continue
        found = outcome.variant(row.variant)
        result = "see below" if found is None else f"{_metric(row.metric)} {_median(found, row.metric)}"
        seconds = statistics.fmean([v.seconds for v in outcome.variants if v.seconds] or [0.0])
        lines.append([f"[{row.title}](#{_anchor(row)})", row.system, result, _held(row, outcome), duration(seconds)])
    yield _table(["objective", "system", "test", "bar", "a run"], lines)


def _section(row: Row, outcome: Outcome | None) -> Iterator[str]:
    yield f"### {row.title}\n"
    yield f"`{row.spec}`, after {row.system}.\n"
    if outcome is None:
        yield "Not trained yet.\n"
        return
    length = f", at most {outcome.length:,} positions a row" if outcome.length else ""
    yield f"Data: {outcome.data}{length}.\n"
    metrics = [row.metric, *row.also]
    # where length is what it is about, what it costs stands beside what it brings
    costs = ("tokens/s", "memory") if row.group == "long range" else ()
    heads = ["", *map(_metric, metrics), "parameters", "a run", *costs, "seeds"]
    lines = [_variant_line(found, metrics, row, costs) for found in outcome.variants]
    lines += [[*line, *[""] * (len(heads) - len(line))] for line in _reference_lines(outcome, metrics)]
    yield _table(heads, lines)
    if row.bar is not None:
        yield f"Bar: {_bar(row, outcome)}.\n"
    for about in dict.fromkeys(f"{r.label}: {r.about}." for r in outcome.references if r.about):
        yield f"- {about}"
    if outcome.references and any(r.about for r in outcome.references):
        yield ""
    if row.remark:
        yield f"{row.remark}\n"
    if row.larger:
        yield f"Larger: {row.larger}\n"
    yield f"{_made(outcome)}\n"


def _variant_line(found: Trained, metrics: Iterable[str], row: Row, costs: Sequence[str]) -> list[str]:
    label = f"**{found.label}**" if found.label == row.variant else found.label
    seeds = max(len(values) for values in found.values.values())
    cells = [_median(found, metric) for metric in metrics]
    taken = [count(found.tokens_per_second), f"{found.peak_memory_mb or 0:,.0f} MB"] if costs else []
    return [label, *cells, count(found.parameters), duration(found.seconds), *taken, f"{seeds} {found.lost}".strip()]


def _reference_lines(outcome: Outcome, metrics: Sequence[str]) -> list[list[str]]:
    known = {(r.label, r.metric): r.value for r in outcome.references}
    labels = dict.fromkeys(r.label for r in outcome.references if r.metric in metrics)
    return [[label, *(_number(known.get((label, m))) for m in metrics)] for label in labels]


def _claims(rows: Sequence[Row], done: Mapping[str, Outcome]) -> Iterator[str]:
    """What papers say of pairs of variants, and what the seeds say of it."""
    lines = []
    for row in rows:
        outcome = done.get(row.spec)
        for found in against_claims(row, outcome, goal_of(row)) if outcome else []:
            sides = [f"{_number(value)}" for value in (found.better, found.worse)]
            claim = f"{found.claim.better} better than {found.claim.worse}"
            where = f"[{row.title}](#{_anchor(row)})"
            lines.append([where, claim, found.claim.source, _metric(row.metric), *sides, found.verdict])
    if lines:
        yield "What papers say of two mixers, and what the seeds of each say (paired t test, Holm over the row).\n"
        yield _table(["task", "claim", "source", "metric", "first", "second", "first is"], lines)


def _held(row: Row, outcome: Outcome) -> str:
    if row.bar is None:
        claims = against_claims(row, outcome, goal_of(row))
        held = sum(found.verdict.startswith("better") for found in claims)
        return f"{held} of {len(claims)} claims" if claims else ""
    verdicts = judged(row, outcome)
    if not verdicts or any(found.held is None for found in verdicts):
        return "not known"
    return "holds" if all(found.held for found in verdicts) else "**missed**"


def _bar(row: Row, outcome: Outcome) -> str:
    assert row.bar is not None
    words = []
    for found in judged(row, outcome):
        target = " ".join(filter(None, [found.target, f"({_number(found.value)})" if found.target else ""]))
        held = {True: "holds", False: "**missed**", None: "not known"}[found.held]
        words.append(f"{row.bar.side} {target or _number(found.value)}: {held}")
    slack = f", within {_number(row.bar.within)}" if row.bar.within else ""
    return f"{_metric(row.metric)} " + "; ".join(words) + slack


def _median(found: Trained, metric: str) -> str:
    values = [*found.of(metric).values()]
    if not values:
        return ""
    mean = estimate(values)
    assert mean is not None
    spread = "" if mean.low is None or mean.high is None else f" [{_number(mean.low)}, {_number(mean.high)}]"
    return _number(statistics.median(values)) + spread


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return (
        f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:#.4g}".rstrip(".") if abs(value) >= 1 else f"{value:.4f}"
    )


def _metric(name: str) -> str:
    return name.removeprefix("test/").replace("_", " ")


def _anchor(row: Row) -> str:
    kept = "".join(c for c in row.title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _made(outcome: Outcome) -> str:
    made = outcome.made
    pieces = [
        f"commit {', '.join(commit[:10] for commit in made['git_commit'].split(', '))}" if "git_commit" in made else "",
        f"torch {made['torch']}" if "torch" in made else "",
        made.get("cpu", ""),
        made.get("date", ""),
    ]
    return f"<sub>{', '.join(filter(None, pieces))}</sub>"


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"
