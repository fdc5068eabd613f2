"""How far apart variants are: a row each, a dot for the mean, ticks for the seeds, a line for the 95 % interval."""

from __future__ import annotations

from experiments.report.figure import INK, RULE, SOFT, Chart, Layout, Trace, base, chart_marker, plotly_text, rounded
from experiments.report.look import Look
from experiments.report.spread import Spread, differences, means, stretch
from experiments.results import SweepResults
from experiments.results.headline import metric_decimals
from experiments.results.words import fixed, signed

ROW, MARGIN = 24, 70
NOISE = "rgba(128,134,142,0.16)"


def forest_chart(results: SweepResults, look: Look) -> Chart | None:
    """Differences from the baseline, best on top; means where there is no baseline; None before there are results."""
    spreads, decimals = differences(results), metric_decimals(results)
    if not spreads:
        return _means_chart(results, look)
    noise = results.noise.difference if results.noise else None
    low, high = stretch(spreads, [0.0, *([noise, -noise] if noise is not None else [])])
    layout = _layout("difference from the baseline", spreads, (low, high))
    layout["shapes"] = [_line(0.0, SOFT, "solid")]
    if noise is not None:
        layout["shapes"].insert(0, _band(-noise, noise))
    traces = []
    for place, spread in enumerate(spreads):
        difference = spread.row.difference
        assert difference is not None
        words = f"{signed(spread.mean, decimals)}"
        if spread.low is not None:
            words += f" [{signed(spread.low, decimals)}, {signed(spread.high, decimals)}]"
        if difference.p_holm is not None:
            words += f", p {difference.p_holm:.3g} (Holm)"
        words += f"<br>{plotly_text(difference.words(results.plan.metric.goal))}"
        traces += _traces(results, look, spread, place, words)
    return Chart(
        "chart-forest",
        f"Differences from the baseline in {results.plan.metric.label}",
        MARGIN + ROW * len(spreads),
        traces,
        layout,
    )


def _means_chart(results: SweepResults, look: Look) -> Chart | None:
    spreads, decimals = means(results), metric_decimals(results)
    if len(spreads) < 2:
        return None
    layout = _layout(results.plan.metric.label, spreads, stretch(spreads))
    traces = []
    for place, spread in enumerate(spreads):
        words = fixed(spread.mean, decimals)
        if spread.low is not None:
            words += f" [{fixed(spread.low, decimals)}, {fixed(spread.high, decimals)}]"
        traces += _traces(results, look, spread, place, words)
    return Chart("chart-forest", "Means with intervals", MARGIN + ROW * len(spreads), traces, layout)


def _layout(title: str, spreads: list[Spread], window: tuple[float, float]) -> Layout:
    rows = {
        "tickvals": list(range(len(spreads))),
        "ticktext": [plotly_text(spread.row.label, 34) for spread in spreads],
        "range": [len(spreads) - 0.4, -0.6],
        "showgrid": False,
        "tickfont": {"size": 12, "color": INK},
    }
    return base(title, x={"range": rounded(window)}, y=rows)


def _traces(results: SweepResults, look: Look, spread: Spread, place: int, words: str) -> list[Trace]:
    variant = spread.row.variant
    number = results.plan.variants.index(variant)
    colour, meta = look.colour(variant), {"v": number, "label": plotly_text(spread.row.label), "words": words}
    quiet = {"type": "scatter", "hoverinfo": "skip", "meta": {"v": number}}
    traces: list[Trace] = []
    if spread.low is not None:
        line = {"mode": "lines", "x": rounded([spread.low, spread.high]), "y": [place, place]}
        traces.append({**quiet, **line, "line": {"color": colour, "width": 1.2}, "opacity": 0.6})
    if (inner := spread.inner or (spread.low, spread.high))[0] is not None:
        line = {"mode": "lines", "x": rounded(inner), "y": [place, place]}
        traces.append({**quiet, **line, "line": {"color": colour, "width": 4}, "opacity": 0.4})
    ticks = {"symbol": "line-ns", "size": 9, "line": {"color": colour, "width": 1.4}}
    seeds = {"mode": "markers", "x": rounded(spread.seeds), "y": [place] * len(spread.seeds), "marker": ticks}
    dot = {"type": "scatter", "mode": "markers", "x": rounded([spread.mean]), "y": [place], "meta": meta}
    dot |= {"marker": chart_marker(look, variant, 9), "hovertemplate": "%{meta.label}<br>%{meta.words}<extra></extra>"}
    return [*traces, {**quiet, **seeds, "opacity": 0.8}, dot]


def _line(x: float, colour: str, dash: str) -> dict[str, object]:
    line = {"color": colour, "width": 1.2, "dash": dash}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": line}


def _band(low: float, high: float) -> dict[str, object]:
    ends = dict(zip(("x0", "x1"), rounded([low, high]), strict=True))
    shape = {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below", **ends}
    return {**shape, "fillcolor": NOISE, "line": {"width": 0, "color": RULE}}
