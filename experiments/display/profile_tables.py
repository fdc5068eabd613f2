"""A profile on the terminal: a table for each quantity, lengths side by side."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from experiments.console import table
from experiments.results.profile import QUANTITIES, Growth, Profile
from experiments.results.words import MISSING, clean, count, shorten

NAME_WIDTH = 30


def show_profile(profile: Profile, console: Console) -> None:
    """Every quantity that was measured, how it grows, and where one variant becomes cheaper than another."""
    growth = {(found.label, found.quantity): found for found in profile.growth}
    for quantity, words in {"flops_per_token": "FLOPs a token, forward", **QUANTITIES}.items():
        curves = {label: dict(profile.curve(label, quantity)) for label in profile.labels}
        if not any(curves.values()):
            continue
        rows = table(words)
        for length in profile.lengths:
            rows.add_column(count(length) if length % 1024 else f"{length // 1024}k", justify="right", no_wrap=True)
        rows.add_column("grows as", no_wrap=True)
        for label, curve in curves.items():
            cells = [count(curve.get(length)) for length in profile.lengths]
            rows.add_row(Text(shorten(clean(label), NAME_WIDTH)), *cells, growth_words(growth.get((label, quantity))))
        console.print(rows)
    for crossover in profile.crossovers:
        words = QUANTITIES[crossover.quantity]
        line = (
            f"{clean(crossover.better)} takes less than {clean(crossover.worse)} from about {crossover.length:,.0f} on"
        )
        console.print(Text(f"{words}: {line}"))
    for cost in profile.costs:
        if cost.failed:
            console.print(Text(f"{clean(cost.label)}, {cost.length:,} tokens: {clean(cost.failed)}", style="yellow"))


def growth_words(growth: Growth | None) -> str:
    """`n^1.98`, or the sign for a missing value."""
    return MISSING if growth is None else f"n^{growth.exponent:.2f}"
