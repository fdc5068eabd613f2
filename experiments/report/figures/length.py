"""Cost against sequence length: a panel for each quantity that was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.report.figures.style import MARKERS, drawable, keys, label, logarithmic, new_figure
from experiments.report.findings import Findings
from experiments.report.look import COLOURS, Look
from experiments.report.profile_charts import profile_of
from experiments.results.profile import QUANTITIES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3


def draw_length(found: Findings, look: Look) -> Figure | None:
    """Both axes logarithmic."""
    profile = profile_of(found.results)
    if profile is None:
        return None
    panels = [q for q in QUANTITIES if any(profile.curve(name, q) for name in profile.labels)]
    if not panels:
        return None
    variants = {variant.label: variant for variant in found.results.plan.variants}
    columns = min(COLUMNS, len(panels))
    figure, grid = new_figure(-(-len(panels) // columns), columns)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, quantity in zip(grid.flat, panels, strict=False):
        for number, name in enumerate(profile.labels):
            known = profile.curve(name, quantity)
            if known:
                colour = look.colour(variants[name]) if name in variants else COLOURS[number % len(COLOURS)]
                how = {"color": colour, "marker": MARKERS[number % len(MARKERS)], "markersize": 4, "linewidth": 1.1}
                axes.plot([at for at, _ in known], [value for _, value in known], label=drawable(name), **how)
        logarithmic(axes, "y", [v for name in profile.labels for _, v in profile.curve(name, quantity)], least=4.0)
        axes.set_xscale("log", base=2)
        axes.set_xticks(profile.lengths, [str(length) for length in profile.lengths])
        label(axes, "sequence length", QUANTITIES[quantity])
    keys(grid.flat[0], figure=figure)
    return figure
