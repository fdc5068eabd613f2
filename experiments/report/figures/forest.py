"""Differences from the baseline, or means where there is none: a row for each variant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.report.figures.style import SOFT, WIDTH, label, marker, name_rows, new_figure
from experiments.report.findings import Findings
from experiments.report.look import Look
from experiments.report.spread import differences, means, stretch

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_forest(found: Findings, look: Look) -> Figure | None:
    """Thick lines are intervals of a difference alone, thin ones corrected; the band is the noise of single runs."""
    results = found.results
    compared = differences(results)
    spreads = compared or means(results)
    if not spreads:
        return None
    figure, grid = new_figure(width=1.6 * WIDTH, height=0.6 + 0.2 * len(spreads))
    axes = grid[0, 0]
    noise = results.noise.difference if compared and results.noise else None
    if compared:
        axes.axvline(0, color=SOFT, linewidth=0.8)
    if noise is not None:
        axes.axvspan(-noise, noise, color=SOFT, alpha=0.15, linewidth=0)
    for place, spread in enumerate(spreads):
        look_of_it = marker(look, spread.row.variant)
        colour = look_of_it["color"]
        if spread.low is not None and spread.high is not None:
            axes.plot([spread.low, spread.high], [place, place], color=colour, linewidth=0.8, alpha=0.8)
        inner = spread.inner or (spread.low, spread.high)
        if inner[0] is not None:
            axes.plot(inner, [place, place], color=colour, linewidth=2.6, alpha=0.45, solid_capstyle="butt")
        axes.plot(spread.seeds, [place] * len(spread.seeds), "|", color=colour, markersize=6, alpha=0.8)
        axes.plot([spread.mean], [place], linestyle="none", **look_of_it)
    axes.set_xlim(*stretch(spreads, [0.0, *([noise, -noise] if noise is not None else [])] if compared else []))
    name_rows(axes, [spread.row.label for spread in spreads])
    name = results.plan.metric.label
    label(axes, f"{name}, difference from the baseline" if compared else name)
    return figure
