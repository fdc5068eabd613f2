"""Learning curves as small multiples: one panel per colour, everything else in grey behind it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from experiments.report.figure import Chart, base, chart, plotly_text
from experiments.report.look import Look
from experiments.results import Curve, SweepResults, VariantResult
from experiments.results.plan import metric_label
from experiments.results.words import clean, shorten

MOST_POINTS = 120
BACKGROUND = "rgba(128,134,142,0.28)"
Line = tuple[list[float], list[float]]


@dataclass(frozen=True)
class Key:
    """One line of a panel's legend: a colour number, an SVG dash pattern, an opacity, and what they stand for."""

    colour: int
    dash: str
    strength: float
    label: str


@dataclass(frozen=True)
class Panel:
    """One chart of the small multiples, with its legend."""

    chart: Chart
    keys: tuple[Key, ...]


def curve_panels(results: SweepResults, look: Look, name: str, tag: str) -> list[Panel]:
    """A panel per colour for the logged quantity `name`: thick lines are means over seeds, thin ones single seeds."""
    places = {variant.label: place for place, variant in enumerate(results.plan.variants)}
    shown = [row for row in results.ranking if any(name in trial.curves for trial in row.trials)]
    shown.sort(key=lambda row: places[row.label])
    means = {row.label: line for row in shown if (line := mean_line(row, name)) is not None}
    if not means:
        return []
    window = _window(list(means.values()))
    by_colour = sorted(shown, key=lambda row: look.colour_number(row.variant))
    panels = []
    for place, group in enumerate(dict.fromkeys(look.group(row.variant) for row in by_colour)):
        figure = base("step", metric_label(name))
        rows = [row for row in shown if look.group(row.variant) == group]
        others = [means[row.label] for row in shown if row not in rows and row.label in means]
        if others:
            x, y = _joined([_thinner(line) for line in others])
            figure.add_scatter(x=x, y=y, mode="lines", line={"color": BACKGROUND, "width": 1}, hoverinfo="skip")
        for row in rows:
            _add_row(figure, row, look, name, means.get(row.label))
        figure.update_yaxes(range=window)
        figure.update_xaxes(rangemode="tozero", nticks=5)
        keys = dict.fromkeys(_key(row, look) for row in rows)
        panels.append(Panel(chart(figure, f"chart-{tag}-{place}", shorten(clean(group), 60), 260), tuple(keys)))
    return panels


def _add_row(figure: go.Figure, row: VariantResult, look: Look, name: str, mean: Line | None) -> None:
    colour, strength = look.colour(row.variant), look.strength(row.variant)
    x, y = _joined([thin(trial.curves[name]) for trial in row.trials if name in trial.curves])
    thin_line = {"color": colour, "width": 0.8}
    figure.add_scatter(x=x, y=y, mode="lines", line=thin_line, opacity=0.35, hoverinfo="skip")
    if mean is not None:
        figure.add_scatter(
            x=mean[0],
            y=mean[1],
            mode="lines",
            line={"color": colour, "width": 2, "dash": _plotly_dash(look.dash(row.variant))},
            opacity=strength,
            meta=[plotly_text(row.label, 60)],
            hovertemplate="%{meta[0]}<br>step %{x:.0f}: %{y:.3f}<extra></extra>",
        )


def _plotly_dash(pattern: str) -> str:
    """`7 3` as SVG writes it -> `7px,3px`."""
    return ",".join(f"{length}px" for length in pattern.split()) or "solid"


def _key(row: VariantResult, look: Look) -> Key:
    rest = [clean(value) for axis, value in row.variant.values.items() if axis != look.colour_axis]
    label = shorten(" / ".join(rest) or clean(row.label), 40)
    return Key(look.colour_number(row.variant), look.dash(row.variant), look.strength(row.variant), label)


def mean_line(row: VariantResult, name: str) -> Line | None:
    """The mean over the seeds that did not fail, at the steps that all of them logged."""
    fine = [trial for trial in row.trials if trial.status not in ("failed", "diverged") and name in trial.curves]
    lines = [dict(zip(*thin(trial.curves[name]), strict=True)) for trial in fine]
    if not lines:
        return None
    steps = sorted(set.intersection(*(set(line) for line in lines)))
    return (steps, [statistics.fmean(line[step] for line in lines) for step in steps]) if steps else None


def thin(curve: Curve, most: int = MOST_POINTS) -> Line:
    """At most `most` points: means of equal runs of neighbours. What is not a number is left out."""
    points = [(s, v) for s, v in zip(curve.steps, curve.values, strict=True) if math.isfinite(v)]
    size = math.ceil(len(points) / most) or 1
    runs = [points[start : start + size] for start in range(0, len(points), size)]
    return [statistics.fmean(s for s, _ in run) for run in runs], [statistics.fmean(v for _, v in run) for run in runs]


def _thinner(line: Line) -> Line:
    stride = max(1, len(line[0]) // 40)
    return line[0][::stride], line[1][::stride]


def _joined(lines: Sequence[Line]) -> tuple[list[float | None], list[float | None]]:
    """Several lines as one trace: Plotly breaks it where a point is None."""
    x: list[float | None] = []
    y: list[float | None] = []
    for steps, values in lines:
        x += [*steps, None]
        y += [*values, None]
    return x, y


def _window(lines: Sequence[Line]) -> list[float]:
    """The values from a quarter of the way on: the first steps would flatten all that follows."""
    late = [value for _, values in lines for value in values[len(values) // 4 :]]
    low, high = min(late), max(late)
    pad = 0.05 * ((high - low) or abs(high) or 1.0)
    return [low - pad, high + pad]
