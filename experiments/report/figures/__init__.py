"""Figures for papers: what the page shows, as SVG and PNG, drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.report.figures.costs import draw_costs
from experiments.report.figures.curves import draw_curves
from experiments.report.figures.effects import draw_effects
from experiments.report.figures.forest import draw_forest
from experiments.report.figures.length import draw_length
from experiments.report.figures.sizes import draw_sizes
from experiments.report.figures.style import save
from experiments.report.findings import Findings
from experiments.report.look import Look, look_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES: dict[str, Callable[[Findings, Look], Figure | None]] = {
    "forest": draw_forest,
    "curves": draw_curves,
    "costs": draw_costs,
    "effects": draw_effects,
    "sizes": draw_sizes,
    "length": draw_length,
}
"""File name -> what draws it; None where a sweep has nothing to show there."""


def write_figures(found: Findings) -> list[Path]:
    """Every figure of a sweep into its folder `figures`; returns their paths. Raises OSError."""
    folder, look = found.results.folder / "figures", look_of(found.results.plan)
    paths = []
    for name, draw in FIGURES.items():
        figure = draw(found, look)
        if figure is not None:
            folder.mkdir(exist_ok=True)
            paths += save(figure, folder, name)
    return paths
