"""From a Plotly figure to the parts of a page: a container, its script and a height."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import plotly.graph_objects as go

from experiments.results.words import clean, shorten

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
# These are the colours of a light page and of print; the style sheet overrides them in the dark.
INK, SOFT, RULE = "#3d434b", "#6a727d", "#e3e6ea"
CONFIG = {
    "displaylogo": False,
    "displayModeBar": False,
    "responsive": True,
    "showTips": False,
    "staticPlot": False,
    "scrollZoom": False,
}


@dataclass(frozen=True)
class Chart:
    """`script` is the whole text of one script element; the page's policy allows exactly that text."""

    id: str
    title: str
    script: str
    height: int


def chart(figure: go.Figure, name: str, title: str, height: int) -> Chart:
    """`figure` as a chart with the id `name`; `title` is read out in its place by a screen reader."""
    figure.update_layout(height=height)
    page = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=CONFIG)
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    if len(scripts) != 1:
        raise RuntimeError(f"Plotly wrote {len(scripts)} scripts for one figure; the report expects one")
    return Chart(name, title, scripts[0], height)


def base(x_title: str, y_title: str = "") -> go.Figure:
    """An empty figure with the report's typography and hairlines."""
    figure = go.Figure()
    axis = {
        "gridcolor": RULE,
        "zeroline": False,
        "showline": False,
        "ticklabelstandoff": 4,
        "tickfont": {"size": 12, "color": SOFT},
        "title": {"font": {"size": 12.5, "color": INK}, "standoff": 8},
        "automargin": True,
        "fixedrange": True,
        "nticks": 6,
    }
    figure.update_layout(
        template="none",
        font={"family": FONT, "size": 12.5, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        hoverlabel={"bgcolor": "#20262e", "bordercolor": "#20262e", "font": {"color": "#f4f5f7", "family": FONT}},
    )
    figure.update_xaxes(axis, title_text=x_title)
    figure.update_yaxes(axis, title_text=y_title)
    return figure


def plotly_text(text: str, width: int = 200) -> str:
    """A name that Plotly shows literally: it reads a small HTML of its own in every label."""
    return html.escape(shorten(clean(text), width), quote=False)
