"""What models cost against sequence length, from `profile.json` where the folder has one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.report.figure import MOST_TICKS, Chart, Trace, base, log_axis, plotly_text, rounded
from experiments.report.look import COLOURS, DASHES, SYMBOLS, Look, dash_lengths
from experiments.results import SweepResults, Variant
from experiments.results.lenient import read_json
from experiments.results.profile import PROFILE, QUANTITIES, Growth, Profile, read_profile
from experiments.results.words import clean, shorten

MOST_CROSSOVERS = 12
# An exponent this near to 1 or 2 is called linear or quadratic; the interval stands beside it.
NEAR = 0.15


@dataclass(frozen=True)
class ProfileView:
    """charts: one per quantity. growth: quantity -> fits. crossovers, failed: sentences."""

    profile: Profile
    charts: tuple[Chart, ...]
    growth: dict[str, tuple[Growth, ...]]
    crossovers: tuple[str, ...]
    failed: tuple[str, ...]


def profile_view(results: SweepResults, look: Look) -> ProfileView | None:
    """None where nothing was profiled."""
    profile = profile_of(results)
    if profile is None:
        return None
    charts = [_chart(results, look, profile, quantity) for quantity in QUANTITIES]
    growth = {q: tuple(one for one in profile.growth if one.quantity == q) for q in QUANTITIES}
    failed = [f"{_name(one.label)} at {one.length}: {clean(one.failed)}" for one in profile.costs if one.failed]
    found = tuple(chart for chart in charts if chart is not None)
    return ProfileView(
        profile, found, {q: fits for q, fits in growth.items() if fits}, tuple(_crossings(profile)), tuple(failed)
    )


def profile_of(results: SweepResults) -> Profile | None:
    """What was profiled into the folder of a sweep; None where nothing was, or nothing can be read."""
    raw = read_json(results.folder / PROFILE, [])
    profile = read_profile(raw) if raw is not None else None
    return profile if profile and profile.costs else None


def _crossings(profile: Profile) -> list[str]:
    """A sentence for each pair of variants whose order changes with length."""
    growth = {(one.label, one.quantity): order(one.exponent) for one in profile.growth}
    pairs: dict[tuple[str, str], list[str]] = {}
    for one in profile.crossovers:
        mine, theirs = (growth.get((label, one.quantity)) for label in (one.better, one.worse))
        words = f"{QUANTITIES.get(one.quantity, one.quantity).partition(' (')[0]} from about {one.length:.0f} tokens on"
        words += f" ({mine} against {theirs})" if mine and theirs and mine != theirs else ""
        pairs.setdefault((one.better, one.worse), []).append(words)
    found = [f"{_name(a)} costs less than {_name(b)}: {', '.join(words)}." for (a, b), words in pairs.items()]
    return found[:MOST_CROSSOVERS]


def order(exponent: float) -> str:
    """`O(n)`, `O(n²)`, or `n^1.4` between the two."""
    for power, words in ((0, "O(1)"), (1, "O(n)"), (2, "O(n²)"), (3, "O(n³)")):
        if abs(exponent - power) <= NEAR:
            return words
    return f"n^{exponent:.2f}"


def _chart(results: SweepResults, look: Look, profile: Profile, quantity: str) -> Chart | None:
    traces = []
    for number, label in enumerate(profile.labels):
        points = profile.curve(label, quantity)
        if points:
            traces.append(_trace(results, look, label, number, points))
    if not traces:
        return None
    lengths = profile.lengths
    every = max(1, math.ceil(len(lengths) / MOST_TICKS))
    ticks = {"tickvals": list(lengths)[::every], "ticktext": [str(length) for length in lengths][::every]}
    values = [value for trace in traces for value in trace["y"]]
    layout = base("sequence length", x={"type": "log", **ticks}, y=log_axis(values, least=4.0))
    return Chart(f"chart-length-{quantity}", f"{QUANTITIES[quantity]} by length", 300, traces, layout)


def _trace(results: SweepResults, look: Look, label: str, number: int, points: Sequence[tuple[int, float]]) -> Trace:
    place = next((n for n, variant in enumerate(results.plan.variants) if variant.label == label), None)
    variant: Variant | None = None if place is None else results.plan.variants[place]
    colour = look.colour(variant) if variant else COLOURS[number % len(COLOURS)]
    dash = look.dash(variant) if variant else DASHES[number // len(COLOURS) % len(DASHES)]
    symbol = look.symbol(variant) if variant else SYMBOLS[number % len(SYMBOLS)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [length for length, _ in points],
        "y": rounded([value for _, value in points]),
        "line": {
            "color": colour,
            "width": 1.8,
            "dash": ",".join(f"{length:g}px" for length in dash_lengths(dash)) or "solid",
        },
        "marker": {"color": colour, "symbol": symbol, "size": 7, "line": {"width": 1.4, "color": colour}},
        "meta": {"label": plotly_text(label, 60), **({} if place is None else {"v": place})},
        "hovertemplate": "%{meta.label}<br>%{x} tokens: %{y:.3~s}<extra></extra>",
    }


def _name(label: str) -> str:
    return shorten(clean(label), 60)
