"""What all figures for papers share: sizes, hairlines, looks of variants, text that is drawn as it is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments.atomic import write_bytes
from experiments.report.figure import log_axis
from experiments.report.look import Look, dash_lengths
from experiments.results import Variant
from experiments.results.words import clean, count, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

INK, SOFT, RULE = "#1d2329", "#667080", "#e3e6ea"
# matplotlib's names of look.SYMBOLS, in their order.
MARKERS = ("o", "s", "D", "^", "P", "X", "v", "*")
MISSING_GLYPH = "\u25a1"
# Inches, and dots on one for pixels.
WIDTH, HEIGHT, DOTS = 3.6, 2.7, 200
LONGEST, LONGEST_TITLE = 40, 100
# Of markers, in the order of look.FILLS.
FILLSTYLES = ("full", "none", "bottom")


def new_figure(rows: int = 1, columns: int = 1, *, width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Any]:
    """A figure and its axes [rows, columns], each `width` x `height` inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), facecolor="white", layout="constrained")
    grid: Any = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.grid(True, color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8, colors=SOFT, length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure, grid


def label(axes: Axes, x: str = "", y: str = "", title: str = "") -> None:
    """Names of the axes and of the panel, never read as mathematics."""
    axes.set_xlabel(drawable(x, LONGEST_TITLE), fontsize=9, color=INK, parse_math=False)
    axes.set_ylabel(drawable(y, LONGEST_TITLE), fontsize=9, color=INK, parse_math=False)
    axes.set_title(
        drawable(title, LONGEST_TITLE), fontsize=9, color=INK, loc="left", fontweight="bold", parse_math=False
    )


def name_rows(axes: Axes, names: list[str]) -> None:
    """Rows from the top, one for each name."""
    axes.set_yticks(range(len(names)))
    axes.set_yticklabels([drawable(name) for name in names], fontsize=8, color=INK, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")


def marker(look: Look, variant: Variant) -> dict[str, Any]:
    """A variant's marker: full, hollow or half."""
    how = {"marker": MARKERS[look.symbol_number(variant)], "fillstyle": FILLSTYLES[look.fill_number(variant)]}
    return {**how, "color": look.colour(variant), "markerfacecoloralt": "white", "markersize": 5}


def stroke(look: Look, variant: Variant) -> dict[str, Any]:
    """A variant's line."""
    strength, width = look.stroke(variant)
    pattern = dash_lengths(look.dash(variant))
    style = (0, tuple(length / 1.6 for length in pattern)) if pattern else "solid"
    return {"color": look.colour(variant), "alpha": strength, "linewidth": 0.7 * width, "linestyle": style}


def keys(axes: Axes, size: float = 6.5, figure: Figure | None = None) -> None:
    """The legend of what a panel drew with a label: in its upper right, or below the figure."""
    handles, names = axes.get_legend_handles_labels()
    if not handles:
        return
    how: dict[str, Any] = {"fontsize": size, "frameon": False, "handlelength": 2.6}
    if figure is None:
        legend = axes.legend(handles, names, loc="upper right", **how)
    else:
        legend = figure.legend(handles, names, loc="outside lower center", ncols=min(4, len(names)), **how)
    for text in legend.get_texts():
        text.set_parse_math(False)


def logarithmic(axes: Axes, way: Literal["x", "y"], values: Sequence[float], least: float = 2.0) -> None:
    """A logarithmic axis with the ticks of the page."""
    found = log_axis(values, least)
    axes.set(**{f"{way}scale": "log", f"{way}lim": tuple(10**end for end in found["range"])})
    axis = axes.xaxis if way == "x" else axes.yaxis
    axis.set_ticks(found["tickvals"], found["ticktext"])
    axis.set_ticks([], minor=True)


def counted(axis: Axis) -> None:
    """Ticks such as 200k in the place of 200000."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(5))
    axis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """The figure as SVG and as PNG; the same figure gives the same bytes."""
    import matplotlib

    paths = []
    with matplotlib.rc_context({"svg.hashsalt": "swapformer"}):
        for kind, about in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
            out = io.BytesIO()
            figure.savefig(out, format=kind, dpi=DOTS, metadata=about)
            paths.append(folder / f"{name}.{kind}")
            write_bytes(paths[-1], out.getvalue(), durable=False)
    return paths


def drawable(text: str, longest: int = LONGEST) -> str:
    """A name with what matplotlib's own font can draw; a box in the place of the rest."""
    return "".join(char if ord(char) in _glyphs() else MISSING_GLYPH for char in shorten(clean(text), longest))


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())
