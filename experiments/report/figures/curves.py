"""Learning curves: a panel for each colour, means with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.report.bands import bands, window
from experiments.report.figures.style import drawable, keys, label, new_figure, stroke
from experiments.report.findings import Findings
from experiments.report.look import Look
from experiments.results.plan import metric_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3
GREY = "#c9ced6"


def draw_curves(found: Findings, look: Look) -> Figure | None:
    """The metric of the ranking, or its validation counterpart where only that was logged."""
    results = found.results
    name = results.plan.metric.name
    drawn = bands(results, name) or bands(results, name.replace("test/", "valid/", 1))
    if not drawn:
        return None
    drawn.sort(key=lambda band: look.colour_number(band.row.variant))
    groups = list(dict.fromkeys(look.group(band.row.variant) for band in drawn))
    columns = min(COLUMNS, len(groups))
    figure, grid = new_figure(-(-len(groups) // columns), columns)
    for axes in grid.flat[len(groups) :]:
        axes.set_visible(False)
    for axes, group in zip(grid.flat, groups, strict=False):
        for band in drawn:
            if look.group(band.row.variant) != group:
                axes.plot(band.mean.steps, band.mean.values, color=GREY, linewidth=0.5)
        for band in (band for band in drawn if look.group(band.row.variant) == group):
            line = stroke(look, band.row.variant)
            if band.low is not None and band.high is not None:
                axes.fill_between(band.mean.steps, band.low, band.high, color=line["color"], alpha=0.13, linewidth=0)
            else:
                for single in band.singles:
                    axes.plot(single.steps, single.values, color=line["color"], linewidth=0.4, alpha=0.5)
            rest = [value for axis, value in band.row.variant.values.items() if axis != look.colour_axis and value]
            axes.plot(band.mean.steps, band.mean.values, label=drawable(" / ".join(rest) or band.row.label), **line)
        axes.set_ylim(*window(drawn))
        label(axes, "step", metric_label(name), group if len(groups) > 1 else "")
        keys(axes)
    return figure
