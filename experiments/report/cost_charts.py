"""Quality against what it costs: parameters, arithmetic, time, memory; the front of those that none beats on both."""

from __future__ import annotations

from experiments.report.costs import COSTS, Cost, Point, alike, points
from experiments.report.figure import Chart, Trace, base, chart_marker, plotly_text, rounded
from experiments.report.look import Look
from experiments.results import SweepResults
from experiments.results.headline import metric_decimals
from experiments.results.words import fixed, interval

# Names beside points of the front stay this far apart, as shares of the axes.
APART = 0.3, 0.07
FRONT = "rgba(128,134,142,0.75)"


def cost_charts(results: SweepResults, look: Look) -> tuple[list[Chart], list[str]]:
    """A scatter plot per cost, and a sentence for each cost that hardly differs."""
    charts, sentences = [], []
    for cost in COSTS:
        found = points(results, cost)
        if len(found) < 2:
            continue
        if alike(found):
            low, high = cost.words(found[0].cost), cost.words(found[-1].cost)
            title = cost.title.partition(" (")[0]
            title = title[0].upper() + title[1:]
            sentences.append(
                f"{title} hardly differ{'' if title.endswith('s') else 's'}: "
                f"{low if low == high else f'{low} to {high}'}."
            )
            continue
        charts.append(_scatter(results, look, cost, found))
    return charts, sentences


def _scatter(results: SweepResults, look: Look, cost: Cost, found: list[Point]) -> Chart:
    places = {variant.label: place for place, variant in enumerate(results.plan.variants)}
    decimals = metric_decimals(results)
    front = [point for point in found if point.front]
    values, costs = [point.value for point in found], [point.cost for point in found]
    pad = 0.08 * (max(values) - min(values) or 1.0)
    low, high = min(values) - pad, max(values) + pad
    # the staircase: up to the next point of the front, nothing better is had for more
    worst, dearest = (
        (high if results.plan.metric.goal == "minimize" else low),
        max(costs) + 0.06 * (max(costs) - min(costs)),
    )
    stairs: Trace = {
        "type": "scatter",
        "mode": "lines",
        "x": rounded([front[0].cost, *(point.cost for point in front), dearest]),
        "y": rounded([worst, *(point.value for point in front), front[-1].value]),
        "line": {"color": FRONT, "width": 1.4, "shape": "hv", "dash": "4px,3px"},
        "hoverinfo": "skip",
    }
    traces = [stairs]
    for point in found:
        estimate = point.row.estimate
        words = f"{fixed(point.value, decimals)} [{interval(estimate, decimals)}] at {cost.words(point.cost)}"
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": rounded([point.cost]),
                "y": rounded([point.value]),
                "marker": chart_marker(look, point.row.variant, 10 if point.front else 8),
                "opacity": 1.0 if point.front else 0.7,
                "meta": {"v": places[point.row.label], "label": plotly_text(point.row.label), "words": words},
                "hovertemplate": "%{meta.label}<br>%{meta.words}<extra></extra>",
            }
        )
    layout = base(cost.title, results.plan.metric.label, x={"nticks": 5}, y={"range": rounded([low, high])})
    layout["annotations"] = [
        _name(point, results, (min(costs) + max(costs)) / 2)
        for point in _apart(front, max(costs) - min(costs), high - low)
    ]
    return Chart(f"chart-cost-{cost.name}", f"{results.plan.metric.label} by {cost.title}", 320, traces, layout)


def _apart(front: list[Point], wide: float, tall: float) -> list[Point]:
    """Those of a front whose names do not meet, from the best on."""
    named: list[Point] = []
    for point in reversed(front):
        near = (
            abs(point.cost - p.cost) < APART[0] * wide and abs(point.value - p.value) < APART[1] * tall for p in named
        )
        if not any(near):
            named.append(point)
    return named


def _name(point: Point, results: SweepResults, middle: float) -> dict[str, object]:
    right = point.cost > middle
    below = results.plan.metric.goal == "minimize"
    return {
        "x": rounded([point.cost])[0],
        "y": rounded([point.value])[0],
        "text": plotly_text(point.row.label, 26),
        "showarrow": False,
        "xanchor": "right" if right else "left",
        "yanchor": "top" if below else "bottom",
        "xshift": -4 if right else 4,
        "yshift": -5 if below else 5,
        "font": {"size": 11},
    }
