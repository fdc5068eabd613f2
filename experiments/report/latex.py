"""The ranking as a LaTeX table for papers: booktabs, the best in bold, half widths of intervals after a plus-minus."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.results import Reference, SweepResults, VariantResult
from experiments.results.escaping import latex
from experiments.results.headline import metric_decimals
from experiments.results.words import count, fixed, shorten, signed

LONGEST = 60


def latex_table(results: SweepResults) -> str:
    """A `table` environment; what a name holds is text to LaTeX, whatever it is."""
    metric, compared = results.plan.metric, results.baseline is not None
    heads = ["variant", latex(metric.label), "$n$"]
    if compared:
        heads += ["difference", "verdict"]
    heads += ["parameters", "tokens/s"]
    columns = "lrr" + ("rl" if compared else "") + "rr"
    about = (
        f"{latex(metric.label)} ({latex(metric.direction)}): mean over $n$ seeds $\\pm$ half the width of its "
        f"{100 * results.confidence:.4g}\\,\\% $t$ interval"
    )
    if compared:
        about += "; differences from the baseline are paired on the seed, verdicts Holm-adjusted"
    lines = [
        r"% needs \usepackage{booktabs} and, for quotes, \usepackage[T1]{fontenc}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex(shorten(results.plan.name, LONGEST))}. {about}.}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _row(heads),
        r"\midrule",
        *(_row(_cells(row, results, compared)) for row in results.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _cells(row: VariantResult | Reference, results: SweepResults, compared: bool) -> Iterator[str]:
    decimals = metric_decimals(results)
    if isinstance(row, Reference):
        yield rf"\emph{{{latex(shorten(row.label, LONGEST))}}}"
        yield fixed(row.value, decimals)
        yield from [""] * (5 if compared else 3)
        return
    found, best = row.estimate, row.rank == 1
    name, mean = latex(shorten(row.label, LONGEST)), latex(fixed(found.mean if found else None, decimals))
    mean = rf"\textbf{{{mean}}}" if best else mean
    half = found.half_width if found else None
    yield rf"\textbf{{{name}}}" if best else name
    yield mean if half is None else rf"{mean} $\pm$ {fixed(half, decimals)}"
    yield str(found.n if found else 0)
    if compared:
        yield "baseline" if row.is_baseline else latex(signed(row.gap, decimals))
        yield latex(row.difference.verdict(results.plan.metric.goal) if row.difference else row.lost)
    yield latex(count(row.parameters))
    yield latex(count(row.tokens_per_second))


def _row(cells: list[str] | Iterator[str]) -> str:
    return " & ".join(cells) + r" \\"
