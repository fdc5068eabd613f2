"""A table of means over seeds, one row for each variant, best first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from experiments.results.sweep import SweepResults
from experiments.results.table import Cell, Table
from experiments.results.variant_result import COSTS, VariantResult


def by_variant(results: SweepResults, trials: Collection[str] | None = None) -> Table:
    """Means and intervals of every metric, what the variant costs, and how it compares with the baseline.

    trials: ids of those to take the means over; all that are compared unless given.
    """
    if trials is not None:
        results = replace(results, trials=tuple(trial for trial in results.trials if trial.id in trials))
    axes, metrics = tuple(results.plan.axes), results.metrics or (results.plan.metric.name,)
    columns: list[str] = ["variant", *axes, "rank", "n"]
    for metric in metrics:
        columns += [metric, f"{metric} low", f"{metric} high"]
    columns += ["difference", "difference low", "difference high", "verdict", *COSTS]
    estimates = {metric: results.estimates(metric) for metric in metrics}
    rows = []
    for row in results.ranking:
        cells: list[Cell] = [row.label, *(row.variant.values.get(axis, "") for axis in axes), row.rank]
        cells.append(row.estimate.n if row.estimate else 0)
        for metric in metrics:
            found = estimates[metric].get(row.label)
            cells += [found.mean, found.low, found.high] if found else [None, None, None]
        rows.append((*cells, *_standing(row, results), *(pick(row) for pick in COSTS.values())))
    return Table(tuple(columns), tuple(rows))


def _standing(row: VariantResult, results: SweepResults) -> list[Cell]:
    verdict = row.verdict(results.plan.metric.goal)
    if row.difference is None:
        return [None, None, None, verdict]
    return [row.difference.mean, row.difference.low_all, row.difference.high_all, verdict]
