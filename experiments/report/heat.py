"""Axis by axis tables: the metric of every combination, shaded from worst to best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from experiments.report.look import Look
from experiments.results import SweepResults, VariantResult
from experiments.results.headline import metric_decimals
from experiments.results.words import MISSING, fixed, interval

SHADES = 9
MOST_TABLES = 24


@dataclass(frozen=True)
class Cell:
    """`shade` 0 is the worst value of all tables, SHADES - 1 the best, None a cell without a value.

    variant: its place in the plan, None where no single one is behind the cell.
    """

    text: str
    shade: int | None = None
    about: str = ""
    baseline: bool = False
    best: bool = False
    variant: int | None = None


@dataclass(frozen=True)
class Heat:
    """Rows are the values of one axis, columns those of another; `title` names the values of all others."""

    title: str
    row_axis: str
    column_axis: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    note: str = ""


def heat_tables(results: SweepResults, look: Look) -> list[Heat]:
    """One table per combination of the axes that are neither rows nor columns; none for fewer than two axes."""
    rows_by, columns_by = look.colour_axis, look.symbol_axis
    if rows_by is None or columns_by is None or not results.ranked:
        return []
    axes = results.plan.axes
    others = [axis for axis in axes if axis not in (rows_by, columns_by) and len(axes[axis]) > 1]
    tables = []
    for chosen in product(*(axes[axis] for axis in others)):
        fixed_values = dict(zip(others, chosen, strict=True))
        rows = [
            (row, [_cell(results, {**fixed_values, rows_by: row, columns_by: column}) for column in axes[columns_by]])
            for row in axes[rows_by]
        ]
        title = ", ".join(f"{short(axis)} {value}" for axis, value in fixed_values.items())
        tables.append(Heat(title, short(rows_by), short(columns_by), axes[columns_by], rows))
    return tables[:MOST_TABLES]


def short(axis: str) -> str:
    """`model.attention` -> `attention`."""
    return axis.rpartition(".")[2]


def _cell(results: SweepResults, values: dict[str, str]) -> Cell:
    found = next((row for row in results.ranking if values.items() <= dict(row.variant.values).items()), None)
    if found is not None:
        return _value(results, found)
    entry = next((entry for entry in results.plan.left_out if values.items() <= dict(entry.values).items()), None)
    return Cell("left out", about=entry.reason) if entry else Cell("")


def _value(results: SweepResults, row: VariantResult) -> Cell:
    if row.estimate is None:
        statuses = ", ".join(dict.fromkeys(trial.status for trial in row.trials))
        return Cell(statuses or MISSING, about="; ".join(t.reason for t in row.troubles), baseline=row.is_baseline)
    order, decimals = results.plan.metric.order, metric_decimals(results)
    scores = [order(other.estimate.mean) for other in results.ranked if other.estimate]
    best, worst = min(scores), max(scores)
    share = (worst - order(row.estimate.mean)) / (worst - best) if worst > best else 1.0
    about = f"95 % interval {interval(row.estimate, decimals)}, n = {row.estimate.n}, rank {row.rank}"
    text = fixed(row.estimate.mean, decimals)
    place = results.plan.variants.index(row.variant)
    return Cell(text, round(share * (SHADES - 1)), about, row.is_baseline, row.rank == 1, place)
