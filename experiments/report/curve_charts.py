"""Learning curves as small multiples: one panel per colour, everything else in grey behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.report.bands import X_AXES, Band, Line, bands, window, x_axes
from experiments.report.figure import Chart, Trace, base, plotly_text, rounded
from experiments.report.look import Look, dash_lengths
from experiments.results import SweepResults, VariantResult
from experiments.results.plan import metric_label
from experiments.results.words import clean, shorten

BACKGROUND = "rgba(128,134,142,0.28)"


@dataclass(frozen=True)
class Key:
    """One line of a panel's legend: how it looks, what it stands for, and for which variants, by their places."""

    colour: int
    dash: str
    strength: float
    width: float
    label: str
    variants: tuple[int, ...]


@dataclass(frozen=True)
class Panel:
    """One chart of the small multiples, with its legend."""

    chart: Chart
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class Curves:
    """All panels of one quantity. choices: what the x axis may be, name -> words.

    banded: whether means have intervals. singles: whether seeds are drawn, for want of intervals.
    """

    title: str
    panels: tuple[Panel, ...]
    choices: dict[str, str]
    banded: bool
    singles: bool


def curve_panels(results: SweepResults, look: Look, name: str, tag: str, *, shaded: bool = True) -> Curves | None:
    """A panel per colour for the logged quantity `name`; None where nothing was logged.

    shaded: whether intervals are drawn; those of what is logged at every step are noise around noise.
    """
    found = bands(results, name)
    if not found:
        return None
    places = {variant.label: place for place, variant in enumerate(results.plan.variants)}
    low, high = window(found)
    choices = {choice: X_AXES[choice] for choice in x_axes(found)}
    by_colour = sorted(found, key=lambda band: look.colour_number(band.row.variant))
    panels = []
    for number, group in enumerate(dict.fromkeys(look.group(band.row.variant) for band in by_colour)):
        own = [band for band in found if look.group(band.row.variant) == group]
        others = [places[band.row.label] for band in found if band not in own]
        # the lines of the other panels: the page's script fills them in, so that they are carried once
        traces: list[Trace] = [_line([], [], BACKGROUND, 1.0) | {"hoverinfo": "skip", "meta": {"others": others}}]
        for band in own:
            traces += _traces(band, look, places[band.row.label], list(choices), shaded)
        layout = base(
            X_AXES["step"],
            x={"rangemode": "tozero", "nticks": 5},
            y={"range": rounded([low, high])},
        )
        chart = Chart(f"chart-{tag}-{number}", shorten(clean(group), 60), 260, traces, layout)
        panels.append(Panel(chart, _keys([band.row for band in own], look, places)))
    singles = any(band.low is None for band in found)
    return Curves(
        metric_label(name),
        tuple(panels),
        choices,
        shaded and any(band.low is not None for band in found),
        shaded and singles,
    )


def _traces(band: Band, look: Look, place: int, choices: Sequence[str], shaded: bool) -> list[Trace]:
    """The interval or the seeds, thin, and the mean over them, thick."""
    colour, variant = look.colour(band.row.variant), band.row.variant
    strength, width = look.stroke(variant)
    traces = []
    if shaded and (band.low is None or band.high is None):
        x, y = _joined([(line.steps, line.values) for line in band.singles])
        meta = {"v": place, "x": _also(band.singles, band.per_step, choices)}
        traces.append(_line(x, y, colour, 0.8) | {"opacity": 0.35, "meta": meta})
    elif shaded and band.low is not None and band.high is not None:
        steps, edge = rounded(band.mean.steps), rounded([*band.high, *reversed(band.low)])
        shade = _line([*steps, *reversed(steps)], edge, colour, 0.0)
        traces.append(shade | {"fill": "toself", "fillcolor": colour, "opacity": 0.13, "meta": {"v": place, "band": 1}})
    for trace in traces:
        trace["hoverinfo"] = "skip"
    name, also = plotly_text(band.row.label, 60), _also([band.mean], band.per_step, choices)
    line = _line(rounded(band.mean.steps), rounded(band.mean.values), colour, width)
    line["line"]["dash"] = ",".join(f"{length:g}px" for length in dash_lengths(look.dash(variant))) or "solid"
    line |= {
        "opacity": strength,
        "meta": {"v": place, "mean": 1, "label": name, "x": also},
        "hovertemplate": "%{meta.label}<br>%{x}: %{y:.4~r}<extra></extra>",
    }
    return [*traces, line]


def _line(x: list[float | None], y: list[float | None], colour: str, width: float) -> Trace:
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": {"color": colour, "width": width}}


def _also(lines: Sequence[Line], per_step: float | None, choices: Sequence[str]) -> dict[str, object]:
    """The x values besides the steps: times in full, FLOPs as what a step costs."""
    found: dict[str, object] = {}
    if "seconds" in choices:
        found["seconds"] = _joined([(line.seconds, line.values) for line in lines])[0][:-1]
    if "flops" in choices:
        found["flops"] = per_step
    return found


def _joined(lines: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[list[float | None], list[float | None]]:
    """Several lines as one trace: Plotly breaks it where a point is None."""
    x: list[float | None] = []
    y: list[float | None] = []
    for one, other in lines:
        x += [*rounded(one), None]
        y += [*rounded(other), None]
    return x, y


def _keys(rows: Sequence[VariantResult], look: Look, places: dict[str, int]) -> tuple[Key, ...]:
    """A line for each look, which several variants may share."""
    found: dict[tuple[int, str, float, float, str], list[int]] = {}
    for row in rows:
        rest = [clean(value) for axis, value in row.variant.values.items() if axis != look.colour_axis and value]
        label = shorten(" / ".join(rest) or clean(row.label), 40)
        key = look.colour_number(row.variant), look.dash(row.variant), *look.stroke(row.variant), label
        found.setdefault(key, []).append(places[row.label])
    return tuple(Key(*key, tuple(variants)) for key, variants in found.items())
