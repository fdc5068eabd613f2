"""Main effects: what each value of each axis adds to the metric, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.report.figures.style import INK, SOFT, WIDTH, label, name_rows, new_figure
from experiments.report.findings import Findings
from experiments.report.heat import short
from experiments.report.look import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_effects(found: Findings, look: Look) -> Figure | None:
    """A row for each value, axis by axis; filled where an effect is shown."""
    if found.effects is None or not found.effects.main:
        return None
    main = found.effects.main
    figure, grid = new_figure(width=1.4 * WIDTH, height=0.6 + 0.2 * len(main))
    axes = grid[0, 0]
    axes.axvline(0, color=SOFT, linewidth=0.8)
    for place, one in enumerate(main):
        if one.low_all is not None and one.high_all is not None:
            axes.plot([one.low_all, one.high_all], [place, place], color=INK, linewidth=1.6, alpha=0.5)
        face = INK if one.shown else "white"
        axes.plot([one.estimate.mean], [place], "o", markersize=5, markerfacecolor=face, markeredgecolor=INK)
    name_rows(axes, [f"{short(one.axis)}: {one.value}" for one in main])
    label(axes, f"effect on {found.results.plan.metric.label}")
    return figure
