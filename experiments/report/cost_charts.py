"""Quality against what it costs: speed, parameters, memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from experiments.report.figure import Chart, base, chart, plotly_text
from experiments.report.look import Look
from experiments.results import SweepResults, VariantResult
from experiments.results.headline import metric_decimals
from experiments.results.words import count, fixed

# Costs that differ by less than this share of the largest are said in words instead of drawn.
ALIKE = 0.01


@dataclass(frozen=True)
class Cost:
    """Something that a variant takes, and how to find it. name: of the chart's element."""

    name: str
    title: str
    pick: Callable[[VariantResult], float | None]
    unit: str = ""


COSTS = (
    Cost("speed", "tokens per second", lambda row: row.tokens_per_second),
    Cost("parameters", "parameters", lambda row: row.parameters),
    Cost("memory", "peak memory (MB)", lambda row: row.peak_memory_mb, " MB"),
)


def cost_charts(results: SweepResults, look: Look) -> tuple[list[Chart], list[str]]:
    """A scatter plot per cost, and a sentence for each cost that hardly differs."""
    charts, sentences = [], []
    for cost in COSTS:
        points = [(row, value) for row in results.ranked if (value := cost.pick(row)) is not None and row.estimate]
        if len(points) < 2:
            continue
        low, high = min(value for _, value in points), max(value for _, value in points)
        if high - low <= ALIKE * abs(high):
            same = count(low) if count(low) == count(high) else f"{count(low)} to {count(high)}"
            sentences.append(f"{cost.title.capitalize()} hardly differ: {same}.")
            continue
        charts.append(_scatter(results, look, cost, points))
    return charts, sentences


def _scatter(results: SweepResults, look: Look, cost: Cost, points: list[tuple[VariantResult, float]]) -> Chart:
    figure = base(cost.title, results.plan.metric.label)
    decimals = metric_decimals(results)
    figure.add_scatter(
        x=[value for _, value in points],
        y=[row.estimate.mean for row, _ in points if row.estimate],
        mode="markers",
        marker={
            "color": [look.colour(row.variant) for row, _ in points],
            "symbol": [look.symbol(row.variant) for row, _ in points],
            "size": 10,
            "line": {"width": 1.6, "color": [look.colour(row.variant) for row, _ in points]},
        },
        customdata=[
            [plotly_text(row.label), fixed(row.estimate.mean, decimals), f"{count(value)}{cost.unit}"]
            for row, value in points
            if row.estimate
        ],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]} at %{customdata[2]}<extra></extra>",
    )
    figure.update_xaxes(nticks=5)
    return chart(figure, f"chart-cost-{cost.name}", f"{results.plan.metric.label} by {cost.title}", 300)
