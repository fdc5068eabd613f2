"""Quality against cost: a panel for each cost that varies, with its Pareto front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.report.costs import COSTS, alike, points
from experiments.report.figures.style import SOFT, counted, drawable, keys, label, marker, new_figure
from experiments.report.findings import Findings
from experiments.report.look import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NAMES = 24


def draw_costs(found: Findings, look: Look) -> Figure | None:
    """Points of the front are full, others pale; the legend names all variants while there are few."""
    results = found.results
    panels = [(cost, drawn) for cost in COSTS if len(drawn := points(results, cost)) > 1 and not alike(drawn)]
    if not panels:
        return None
    columns = min(2, len(panels))
    figure, grid = new_figure(-(-len(panels) // columns), columns)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for place, (axes, (cost, drawn)) in enumerate(zip(grid.flat, panels, strict=False)):
        front = [point for point in drawn if point.front]
        axes.step(
            [point.cost for point in front],
            [point.value for point in front],
            where="post",
            color=SOFT,
            linewidth=0.8,
            linestyle="--",
        )
        for point in drawn:
            how = {**marker(look, point.row.variant), "alpha": 1.0 if point.front else 0.5}
            name = {"label": drawable(point.row.label)} if place == 0 and len(drawn) <= MOST_NAMES else {}
            axes.plot([point.cost], [point.value], linestyle="none", **how, **name)
        counted(axes.xaxis)
        label(axes, cost.title, results.plan.metric.label)
    keys(grid[0, 0], figure=figure)
    return figure
