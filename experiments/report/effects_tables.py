"""What each axis does on its own and together with another: tables with bars and shades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.report.bars import Bar, bar
from experiments.report.heat import Cell, Heat, short
from experiments.results import Effects, MainEffect, SweepResults
from experiments.results.headline import metric_decimals
from experiments.results.words import clean, interval, signed

# Shades on either side of no effect.
STEPS = 4
MOST_PAIRS = 6


@dataclass(frozen=True)
class Row:
    """A value of an axis with what it adds."""

    effect: MainEffect
    bar: Bar


@dataclass(frozen=True)
class AxisTable:
    """An axis with its values; note: the share of the variance that it explains, in words."""

    axis: str
    note: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class EffectTables:
    """Main effects by axis, interactions by pair of axes, the largest share first."""

    effects: Effects
    axes: Sequence[AxisTable]
    pairs: Sequence[Heat]
    more: int
    luck: str


def effect_tables(results: SweepResults, found: Effects | None) -> EffectTables | None:
    """None where nothing can be told apart by axes."""
    if found is None or not found.main:
        return None
    ends = [0.0, *(end for one in found.main for end in _ends(one))]
    pad = 0.04 * ((max(ends) - min(ends)) or 1.0)
    window = min(ends) - pad, max(ends) + pad
    axes = []
    for axis in dict.fromkeys(one.axis for one in found.main):
        own = [one for one in found.main if one.axis == axis]
        rows = [Row(one, _bar(one, window)) for one in own]
        axes.append(AxisTable(axis, _words(found.shares.get(axis)), rows))
    order = sorted(range(len(found.interactions)), key=lambda place: -(_share(found, place) or 0.0))
    pairs = [_heat(results, found, place) for place in order]
    return EffectTables(found, axes, pairs[:MOST_PAIRS], max(0, len(pairs) - MOST_PAIRS), _words(found.luck))


def _ends(one: MainEffect) -> list[float]:
    return [one.estimate.mean] if one.low_all is None or one.high_all is None else [one.low_all, one.high_all]


def _bar(one: MainEffect, window: tuple[float, float]) -> Bar:
    return bar(one.estimate.mean, one.low_all, one.high_all, (), window, mark=0.0)


def _share(found: Effects, place: int) -> float | None:
    first, second = found.interactions[place].axes
    return found.shares.get(f"{first} x {second}", found.shares.get(f"{second} x {first}"))


def _words(share: float | None) -> str:
    if share is None:
        return ""
    return f"{f'{share:.0%}' if share >= 0.01 else 'under 1%'} of the variance".replace("%", "\u00a0%")


def _heat(results: SweepResults, found: Effects, place: int) -> Heat:
    """A table of one pair: the shade says better or worse than the two effects together, 0 being neither."""
    interaction = found.interactions[place]
    decimals, order = metric_decimals(results), results.plan.metric.order
    largest = max((abs(one.mean) for i in found.interactions for one in i.cells.values()), default=0.0) or 1.0
    rows_by, columns_by = interaction.axes
    rows, columns = (tuple(dict.fromkeys(cell[side] for cell in interaction.cells)) for side in (0, 1))
    table = []
    for row in rows:
        cells = []
        for column in columns:
            one = interaction.cells.get((row, column))
            if one is None:
                cells.append(Cell(""))
                continue
            p = interaction.p_holm.get((row, column))
            sure = p is not None and p < 0.05
            about = f"95 % interval {interval(one, decimals)}" + ("" if p is None else f", p {p:.3g} (Holm)")
            shade = round(-order(one.mean) / largest * STEPS)
            cells.append(Cell(signed(one.mean, decimals), shade, about, best=sure))
        table.append((row, cells))
    title = f"{clean(short(rows_by))} by {clean(short(columns_by))}"
    return Heat(title, short(rows_by), short(columns_by), columns, table, _words(_share(found, place)))
