"""Quality against size: a panel for each cost, means with intervals and the power laws through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.report.figures.style import MARKERS, drawable, keys, label, logarithmic, new_figure
from experiments.report.findings import Findings
from experiments.report.look import Look
from experiments.report.scaling_charts import TITLES, colour_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_sizes(found: Findings, look: Look) -> Figure | None:
    """Both axes logarithmic where the metric is positive."""
    scaling = found.scaling
    panels = [(cost, curves) for cost, curves in scaling.curves.items() if curves] if scaling else []
    if scaling is None or not panels:
        return None
    figure, grid = new_figure(1, len(panels))
    for place, (axes, (cost, curves)) in enumerate(zip(grid.flat, panels, strict=True)):
        for number, curve in enumerate(curves):
            colour = colour_of(found.results, look, scaling, curve, number)
            means = [estimate.mean for _, estimate in curve.points]
            spans = [
                (0.0, 0.0) if e.low is None or e.high is None else (e.mean - e.low, e.high - e.mean)
                for _, e in curve.points
            ]
            costs = [cost for cost, _ in curve.points]
            shape = MARKERS[number % len(MARKERS)]
            dots = {"fmt": shape, "markersize": 4, "elinewidth": 0.8, "color": colour, "label": drawable(curve.label)}
            axes.errorbar(costs, means, yerr=list(zip(*spans, strict=True)), **dots)
            axes.plot(
                [point[0] for point in curve.line], [point[1] for point in curve.line], color=colour, linewidth=1.1
            )
        logarithmic(axes, "x", [cost for curve in curves for cost, _ in curve.points])
        values = [estimate.mean for curve in curves for _, estimate in curve.points]
        if min(values) > 0:
            logarithmic(axes, "y", values, least=1.1)
        label(axes, TITLES.get(cost, cost), found.results.plan.metric.label if place == 0 else "")
    keys(grid[0, 0], figure=figure)
    return figure
