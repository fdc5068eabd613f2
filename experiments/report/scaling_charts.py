"""Quality against size: what was measured, with intervals, and the power law through it."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.report.figure import Chart, Trace, base, log_axis, plotly_text, rounded
from experiments.report.look import COLOURS, SYMBOLS, Look
from experiments.results import Scaling, ScalingCurve, SweepResults
from experiments.results.headline import metric_decimals
from experiments.results.statistics import Estimate
from experiments.results.words import count, fixed, interval

TITLES = {"parameters": "parameters", "flops": "training FLOPs", "seconds": "training time (s)"}


def scaling_charts(results: SweepResults, look: Look, found: Scaling) -> list[Chart]:
    """A chart per cost, both axes logarithmic where the metric allows it."""
    charts = []
    for cost, curves in found.curves.items():
        values = [estimate.mean for curve in curves for _, estimate in curve.points]
        if not values:
            continue
        title = TITLES.get(cost, cost)
        costs = [cost for curve in curves for cost, _ in curve.points]
        layout = base(
            title,
            results.plan.metric.label,
            x=log_axis(costs),
            y=log_axis(values, least=1.1) if min(values) > 0 else {},
        )
        traces = [
            trace for number, curve in enumerate(curves) for trace in _traces(results, look, found, curve, number)
        ]
        charts.append(Chart(f"chart-scaling-{cost}", f"{results.plan.metric.label} by {title}", 340, traces, layout))
    return charts


@dataclass(frozen=True)
class ExponentRow:
    """A curve's exponents, one for each cost; variants: their places in the plan."""

    label: str
    sizes: int
    variants: tuple[int, ...]
    exponents: tuple[Estimate | None, ...]


def exponents(results: SweepResults, found: Scaling) -> list[ExponentRow]:
    """A row for each curve, in the order in which curves are drawn."""
    rows = []
    for label in dict.fromkeys(curve.label for curves in found.curves.values() for curve in curves):
        own = [next((curve for curve in curves if curve.label == label), None) for curves in found.curves.values()]
        known = [curve for curve in own if curve is not None]
        places = tuple(dict.fromkeys(place for curve in known for place in members(results, found, curve)))
        sizes = max(len(curve.points) for curve in known)
        rows.append(ExponentRow(label, sizes, places, tuple(curve.exponent if curve else None for curve in own)))
    return rows


def members(results: SweepResults, found: Scaling, curve: ScalingCurve) -> list[int]:
    """The variants behind a curve, by their places in the plan."""
    return [
        place
        for place, variant in enumerate(results.plan.variants)
        if (" / ".join(value for axis, value in variant.values.items() if axis != found.axis) or "all") == curve.label
    ]


def colour_of(results: SweepResults, look: Look, found: Scaling, curve: ScalingCurve, number: int) -> str:
    """That of its variants, unless colours stand for the sizes; `number`: of the curve."""
    own = members(results, found, curve)
    if own and look.colour_axis != found.axis:
        return look.colour(results.plan.variants[own[0]])
    return COLOURS[number % len(COLOURS)]


def _traces(results: SweepResults, look: Look, found: Scaling, curve: ScalingCurve, number: int) -> list[Trace]:
    own = members(results, found, curve)
    variants = [results.plan.variants[place] for place in own]
    colour = colour_of(results, look, found, curve, number)
    symbol = look.symbol(variants[0]) if variants and look.symbol_axis != found.axis else SYMBOLS[number % len(SYMBOLS)]
    name, decimals = plotly_text(curve.label, 60), metric_decimals(results)
    meta = {"vs": own, "label": name}
    quiet = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "meta": meta}
    traces: list[Trace] = []
    x = [point[0] for point in curve.line]
    edges = [(low, high) for _, _, low, high in curve.line if low is not None and high is not None]
    if len(edges) == len(x) and x:
        outline = [high for _, high in edges] + [low for low, _ in reversed(edges)]
        shade = {"x": rounded([*x, *reversed(x)]), "y": rounded(outline), "fill": "toself", "fillcolor": colour}
        traces.append({**quiet, **shade, "opacity": 0.13, "line": {"width": 0}})
    if x:
        line = {"x": rounded(x), "y": rounded([point[1] for point in curve.line])}
        traces.append({**quiet, **line, "line": {"color": colour, "width": 1.8}})
    estimates = [estimate for _, estimate in curve.points]
    spread = {
        "type": "data",
        "symmetric": False,
        "array": rounded([0.0 if e.high is None else e.high - e.mean for e in estimates]),
        "arrayminus": rounded([0.0 if e.low is None else e.mean - e.low for e in estimates]),
        "color": colour,
        "thickness": 1.2,
        "width": 0,
    }
    words = [
        f"{fixed(estimate.mean, decimals)} [{interval(estimate, decimals)}] at {count(cost)}"
        for cost, estimate in curve.points
    ]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": rounded([cost for cost, _ in curve.points]),
        "y": rounded([estimate.mean for estimate in estimates]),
        "error_y": spread,
        "marker": {"color": colour, "symbol": symbol, "size": 9, "line": {"width": 1.6, "color": colour}},
        "customdata": words,
        "meta": meta,
        "hovertemplate": "%{meta.label}<br>%{customdata}<extra></extra>",
    }
    return [*traces, dots]
