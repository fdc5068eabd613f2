"""The ranking as dots with intervals, the references as lines."""

from __future__ import annotations

import plotly.graph_objects as go

from experiments.report.figure import INK, SOFT, Chart, base, chart, plotly_text
from experiments.report.look import Look
from experiments.results import SweepResults, VariantResult
from experiments.results.headline import metric_decimals
from experiments.results.words import fixed, interval


def ranking_chart(results: SweepResults, look: Look) -> Chart | None:
    """Best on top: a dot for the mean, small ticks for the seeds, a line for the 95 % interval; None without any."""
    ranked = results.ranked
    if not ranked:
        return None
    figure = base(results.plan.metric.label)
    for number, colour in sorted({(look.colour_number(row.variant), look.colour(row.variant)) for row in ranked}):
        rows = [(place, row) for place, row in enumerate(ranked) if look.colour_number(row.variant) == number]
        _add_rows(figure, rows, results, colour)
    low, high = _window(results)
    for place, reference in enumerate(results.references):
        inside = low <= reference.value <= high
        label = f"{plotly_text(reference.label, 28)} {fixed(reference.value, metric_decimals(results))}"
        if inside:
            figure.add_vline(reference.value, line={"color": SOFT, "width": 1.2, "dash": "dash"})
        right = reference.value > (low + high) / 2
        figure.add_annotation(
            x=min(max(reference.value, low), high),
            y=-1 - 0.9 * place,
            text=label if inside else f"{label} →" if right else f"← {label}",
            showarrow=False,
            xanchor="right" if right else "left",
            font={"size": 12, "color": SOFT},
        )
    figure.update_xaxes(range=[low, high])
    figure.update_yaxes(
        tickvals=list(range(len(ranked))),
        ticktext=[plotly_text(row.label, 30) for row in ranked],
        range=[len(ranked) - 0.4, -0.6 - 0.9 * len(results.references)],
        showgrid=False,
        tickfont={"size": 12, "color": INK},
    )
    return chart(figure, "chart-ranking", "Ranking with intervals", 90 + 24 * (len(ranked) + len(results.references)))


def _add_rows(figure: go.Figure, rows: list[tuple[int, VariantResult]], results: SweepResults, colour: str) -> None:
    name, decimals = results.plan.metric.name, metric_decimals(results)
    seeds = [(value, place) for place, row in rows for t in row.trials if (value := t.value(name)) is not None]
    estimates = [(place, row, row.estimate) for place, row in rows if row.estimate]
    for place, _, found in estimates:
        if found.low is not None:
            figure.add_scatter(
                x=[found.low, found.high],
                y=[place, place],
                mode="lines",
                line={"color": colour, "width": 2},
                opacity=0.4,
                hoverinfo="skip",
            )
    figure.add_scatter(
        x=[value for value, _ in seeds],
        y=[place for _, place in seeds],
        mode="markers",
        marker={"symbol": "line-ns", "size": 9, "line": {"color": colour, "width": 1.6}},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[found.mean for _, _, found in estimates],
        y=[place for place, _, _ in estimates],
        mode="markers",
        marker={"color": colour, "size": 9},
        customdata=[
            [plotly_text(row.label), fixed(found.mean, decimals), interval(found, decimals), found.n]
            for _, row, found in estimates
        ],
        hovertemplate="%{customdata[0]}<br>mean %{customdata[1]}, 95 % interval %{customdata[2]}"
        "<br>seeds: %{customdata[3]}<extra></extra>",
    )


def _window(results: SweepResults) -> tuple[float, float]:
    """The part of the axis that is shown: every seed, references nearby, intervals as far as it stays legible."""
    name = results.plan.metric.name
    points = [value for trial in results.trials if (value := trial.value(name)) is not None]
    low, high = min(points), max(points)
    span = (high - low) or abs(high) * 0.1 or 1.0
    near = [ref.value for ref in results.references if low - span <= ref.value <= high + span]
    low, high = min([low, *near]), max([high, *near])
    # Intervals of two seeds are so wide that showing all of one would squeeze everything else together.
    found = [row.estimate for row in results.ranked if row.estimate]
    lowest = min([low, *(one.low for one in found if one.low is not None)])
    highest = max([high, *(one.high for one in found if one.high is not None)])
    return max(lowest, low - 0.35 * span) - 0.05 * span, min(highest, high + 0.35 * span) + 0.05 * span
