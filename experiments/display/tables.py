"""The ranking of a sweep for the terminal. Fits 80 columns."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from experiments.console import table
from experiments.display.findings import show_findings
from experiments.results.headline import headline, metric_decimals
from experiments.results.plan import Plan, Reference
from experiments.results.sweep import SweepResults
from experiments.results.variant_result import VariantResult
from experiments.results.words import MISSING, clean, count, fixed, shorten, signed, times

NAME_WIDTH = 28
"""What names of variants get at least, before verdicts are shortened."""
SHORT = {"not distinguishable": "not dist.", "too few seeds": "few seeds"}


def ranked_table(results: SweepResults, console: Console | None = None) -> None:
    """The answer: every variant, best first, references and failures in their places; then what else was found."""
    console = console or Console()
    decimals = metric_decimals(results)
    _say(console, headline(results), "bold")
    _say(console, f"{results.plan.metric.label} (mean over seeds), {results.plan.metric.direction}", "dim")
    heads, cells, short = _fitted(results, decimals, console.width)
    ranking = table()
    for head in heads:
        left = head in ("variant", "verdict")
        ranking.add_column(head, justify="left" if left else "right", no_wrap=True)
    for row, texts in zip(results.rows, cells, strict=True):
        ranking.add_row(*map(Text, texts), style=_style(row))
    console.print(ranking)
    if short:
        _say_verdicts(console, results)
    for trial in results.failures:
        who = shorten(clean(trial.variant), 40)
        what = "a try of tuning, " if trial.stage == "tune" else ""
        _say(console, f"{who}, {what}seed {trial.seed}: {trial.status}, {clean(trial.reason)}", "red")
    show_findings(results, console)
    _say_caveats(console, results.plan)
    if results.plan.left_out:
        _say(console, f"{times(len(results.plan.left_out), 'combination')} left out: see the report")


def _fitted(results: SweepResults, decimals: int, width: int) -> tuple[list[str], list[list[str]], bool]:
    """Headings and cells, names cut to the room that there is; and whether verdicts were shortened to make some."""
    gaps = ["Δ base"] if results.baseline is not None else []
    # A column that says of each row that there are too few seeds would only take the names' room.
    verdicts = ["verdict"] if any(row.difference and row.difference.tested for row in results.ranking) else []
    heads = ["#", "variant", "mean", "± 95 %", "n", *gaps, *verdicts, "params", "tok/s"]
    for short in (False, True):
        cells = [_cells(row, results, decimals, short, *map(bool, (gaps, verdicts))) for row in results.rows]
        # The numbers are never cut: names get what they leave, two characters going between columns.
        widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
        room = width - sum(widths[:1] + widths[2:]) - 2 * len(heads)
        if not verdicts or room >= min(widths[1], NAME_WIDTH):
            break
    names = max(12, room)
    return (
        heads,
        [[shorten(text, names) if place == 1 else text for place, text in enumerate(own)] for own in cells],
        short,
    )


def _say_verdicts(console: Console, results: SweepResults) -> None:
    """What the short words of the table leave out, once for all that share it."""
    told: dict[str, list[str]] = {}
    for row in results.ranking:
        words = row.verdict(results.plan.metric.goal)
        if words and words not in ("better", "worse", "baseline"):
            told.setdefault(words, []).append(str(row.rank or clean(row.label)))
    for words, ranks in told.items():
        _say(console, f"{', '.join(shorten(rank, 40) for rank in ranks)}: {words}")


def _say_caveats(console: Console, plan: Plan) -> None:
    for caveat in plan.caveats:
        who = ", ".join(shorten(clean(label), 60) for label in caveat.variants)
        _say(console, f"note on {who}: {clean(caveat.words)}", "yellow")


def _cells(
    row: VariantResult | Reference, results: SweepResults, decimals: int, short: bool, gaps: bool, verdicts: bool
) -> list[str]:
    if isinstance(row, Reference):
        cells = ["", f"({clean(row.label)})", fixed(row.value, decimals), "", "", *[""] * (gaps + verdicts), "", ""]
        return [clean(cell) for cell in cells]
    found = row.estimate
    trouble = ", ".join(dict.fromkeys(trial.status for trial in row.trials if not trial.finished))
    cells = [
        str(row.rank or MISSING),
        row.label,
        fixed(found.mean if found else None, decimals) if found else trouble or MISSING,
        fixed(found.half_width, decimals) if found else "",
        str(found.n if found else 0),
    ]
    if gaps:
        alone = "" if verdicts else "baseline"
        cells.append(alone if row.is_baseline else signed(row.gap, decimals))
    if verdicts:
        cells.append(_verdict(row, results, short))
    cells += [count(row.parameters), count(row.tokens_per_second)]
    return [clean(cell) for cell in cells]


def _verdict(row: VariantResult, results: SweepResults, short: bool) -> str:
    """What the table says of a row: all there is to say, or a word or two of it."""
    words = row.verdict(results.plan.metric.goal)
    word = words.split(" (")[0].split(",")[0]
    return SHORT.get(word, word) if short else words


def _style(row: VariantResult | Reference) -> str:
    if isinstance(row, Reference):
        return "cyan"
    if row.rank is None:
        return "red"
    return "bold" if row.rank == 1 else ""


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style))
