"""What a sweep found beyond its ranking, for the terminal: noise floor, effects of the axes, scaling, notes."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from experiments.console import table
from experiments.results.effects import Effects, effects
from experiments.results.fair import held_equal
from experiments.results.headline import metric_decimals
from experiments.results.notes import noise_words, notes
from experiments.results.scaling import Scaling, scaling
from experiments.results.sweep import SweepResults
from experiments.results.words import MISSING, clean, fixed, listed, shorten, signed, signed_interval

MOST_EFFECTS = 16
MOST_LINES = 8
NAME_WIDTH = 28


def show_findings(results: SweepResults, console: Console) -> None:
    """Print what there is of each; nothing before trials have finished."""
    decimals = metric_decimals(results)
    if results.noise:
        _say(console, f"noise floor: {noise_words(results.noise, decimals)}")
    for words in held_equal(results):
        _say(console, f"held equal: {words}")
    found = effects(results)
    if found:
        _show_effects(found, decimals, console)
    curves = scaling(results)
    if curves:
        _show_scaling(curves, console)
    for words in notes(results):
        _say(console, f"note: {words}", "dim")


def _show_effects(found: Effects, decimals: int, console: Console) -> None:
    if found.main:
        mains = table("axis", "value", "effect", "95 % interval", "shown")
        largest = sorted(found.main, key=lambda one: -abs(one.estimate.mean))[:MOST_EFFECTS]
        axis = ""
        for one in (one for one in found.main if one in largest):
            mains.add_row(
                Text(shorten(clean(one.axis), NAME_WIDTH) if one.axis != axis else ""),
                Text(shorten(clean(one.value), NAME_WIDTH)),
                Text(signed(one.estimate.mean, decimals)),
                Text(signed_interval(one.low_all, one.high_all, decimals)),
                Text(MISSING if one.p_holm is None else "yes" if one.shown else "no"),
            )
            axis = one.axis
        _say(console, "effect of each value, against the mean of its axis", "bold")
        console.print(mains)
        if len(found.main) > len(largest):
            _say(console, f"{len(found.main) - len(largest)} smaller effects: see the report")
    for words in _interactions(found, decimals):
        _say(console, words)
    for words in found.notes:
        _say(console, f"note on the effects: {clean(words)}", "dim")


def _interactions(found: Effects, decimals: int) -> Iterator[str]:
    for pair in found.interactions:
        shown = pair.shown
        if shown:
            cells = [f"{listed([*map(clean, cell)])} {signed(pair.cells[cell].mean, decimals)}" for cell in shown[:3]]
            more = "; and more" if len(shown) > len(cells) else ""
            yield f"together, beyond the sum of both ({' x '.join(map(clean, pair.axes))}): {'; '.join(cells)}{more}"
    if any(pair.p_holm for pair in found.interactions) and not any(pair.shown for pair in found.interactions):
        yield "no interaction of the axes is shown"


def _show_scaling(found: Scaling, console: Console) -> None:
    for cost, curves in found.curves.items():
        lines = [
            f"{shorten(clean(curve.label), NAME_WIDTH)} {fixed(curve.exponent.mean, 3)}"
            f" ({fixed(curve.exponent.low, 3)} to {fixed(curve.exponent.high, 3)})"
            for curve in curves[:MOST_LINES]
            if curve.exponent
        ]
        if lines:
            more = "; more in the report" if len(curves) > MOST_LINES else ""
            _say(console, f"scaling with {cost}, exponent: {'; '.join(lines)}{more}")
    for words in found.order_changes[:MOST_LINES]:
        _say(console, f"order of variants: {words}")


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style))
