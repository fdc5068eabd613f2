"""Charts as Plotly reads them: traces and a layout, plain dictionaries that the page carries as JSON."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.report.look import Look
from experiments.results import Variant
from experiments.results.words import clean, count, shorten

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
# These are the colours of a light page and of print; the style sheet overrides them in the dark.
INK, SOFT, RULE = "#3d434b", "#6a727d", "#e3e6ea"
CONFIG = {"displaylogo": False, "displayModeBar": False, "responsive": True, "showTips": False, "scrollZoom": False}
# Digits that survive: more than a chart can show, few enough for a page with a hundred trials.
DIGITS = 6
MOST_TICKS = 6

Trace = dict[str, Any]
Layout = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """One chart of the page. title: read out in its place by a screen reader. height: in pixels."""

    id: str
    title: str
    height: int
    traces: list[Trace]
    layout: Layout

    def content(self) -> dict[str, Any]:
        """What the page's script draws it from."""
        return {"id": self.id, "data": self.traces, "layout": {**self.layout, "height": self.height}}


def base(
    x_title: str, y_title: str = "", *, x: Mapping[str, Any] | None = None, y: Mapping[str, Any] | None = None
) -> Layout:
    """A layout with the report's typography and hairlines; `x` and `y` say more about the axes."""
    axis = {
        "gridcolor": RULE,
        "zeroline": False,
        "showline": False,
        "ticklabelstandoff": 4,
        "tickfont": {"size": 12, "color": SOFT},
        "automargin": True,
        "fixedrange": True,
        "nticks": 6,
    }
    title = {"font": {"size": 12.5, "color": INK}, "standoff": 8}
    return {
        "font": {"family": FONT, "size": 12.5, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
        "hoverlabel": {"bgcolor": "#20262e", "bordercolor": "#20262e", "font": {"color": "#f4f5f7", "family": FONT}},
        "xaxis": {**axis, "title": {**title, "text": x_title}, **(x or {})},
        "yaxis": {**axis, "title": {**title, "text": y_title}, **(y or {})},
    }


def log_axis(values: Iterable[float], least: float = 2.0) -> dict[str, Any]:
    """A logarithmic axis for these positive values, with ticks at 1, 2, 5 or at powers of ten.

    least: the ratio of its ends, so that what hardly varies does not look as if it did.
    """
    known = [*values]
    low, high = min(known), max(known)
    middle = math.sqrt(low * high)
    low, high = min(low / 1.08, middle / math.sqrt(least)), max(high * 1.08, middle * math.sqrt(least))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = _even(low, high) if high / low < 3 else []
    for digits in () if ticks else ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**power for power in powers for digit in digits if low <= digit * 10.0**power <= high]
        if len(ticks) <= MOST_TICKS:
            break
    return {
        "type": "log",
        "range": rounded([math.log10(low), math.log10(high)]),
        "tickvals": rounded(ticks),
        "ticktext": [count(tick) for tick in ticks],
    }


def _even(low: float, high: float) -> list[float]:
    """Ticks at even steps, for an axis so short that it is as good as linear."""
    rough = (high - low) / (MOST_TICKS - 1)
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * digit for digit in (1, 2, 5, 10) if unit * digit >= rough)
    return [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]


def plotly_text(text: str, width: int = 200) -> str:
    """A name that Plotly shows literally: it reads a small HTML of its own in every label."""
    return html.escape(shorten(clean(text), width), quote=False)


def chart_marker(look: Look, variant: Variant, size: float) -> dict[str, Any]:
    """A variant's marker; its outline keeps hollow ones visible."""
    colour = look.colour(variant)
    return {"color": colour, "symbol": look.symbol(variant), "size": size, "line": {"width": 1.6, "color": colour}}


def rounded(values: Iterable[float | None]) -> list[float | None]:
    """Finite numbers with DIGITS digits; None stays, as the gap in a line, and so does what is no number."""
    return [None if value is None or not math.isfinite(value) else float(f"{value:.{DIGITS}g}") for value in values]


def embedded(content: object) -> str:
    """JSON that may stand inside a script element: no character of it can end the element or begin a comment."""
    written = json.dumps(_plain(content), allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return written


def _plain(value: object) -> object:
    """What JSON can say; null for numbers that are not finite, text for what it does not know."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
