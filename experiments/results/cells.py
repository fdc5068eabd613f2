"""The combinations of a sweep as a table, axis values x seeds: what its factorial analysis works on."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.results.words import times

if TYPE_CHECKING:
    from experiments.results.sweep import SweepResults

Key = tuple[str, ...]


@dataclass(frozen=True)
class Cells:
    """axes: path -> the values that occur, two at least. keys: a value of each axis, for each combination.

    values: [combinations, seeds], a numpy array without gaps. notes: what was left out to have no gaps.
    """

    axes: Mapping[str, tuple[str, ...]]
    keys: tuple[Key, ...]
    seeds: tuple[int, ...]
    values: Any
    notes: tuple[str, ...]


def cells_of(results: SweepResults) -> Cells | None:
    """The combinations that have values; None where fewer than two axes have two values each.

    Variants that are no combination of the axes take no part. An axis that applies to some variants only is averaged
    over. Seeds count that every combination has; where that leaves fewer than two, combinations that lack some seed are
    left out instead.
    """
    import numpy as np

    plan, notes = results.plan, []
    rows = {variant.label: variant.values for variant in plan.variants if results.by_seed(variant.label)}
    by_name = [label for label, own in rows.items() if any(not own.get(axis) for axis in plan.axes)]
    rows = {label: own for label, own in rows.items() if label not in by_name}
    # A variant by name may repeat a combination, with further settings of its own; the plan has it behind.
    first = {tuple(own.get(axis, "") for axis in plan.axes): label for label, own in reversed(rows.items())}
    by_name += [label for label in rows if label not in first.values()]
    rows = {label: own for label, own in rows.items() if label not in by_name}
    partial = [axis for axis, values in plan.axes.items() if any(own[axis] not in values for own in rows.values())]
    axes = [axis for axis in plan.axes if axis not in partial and len({own[axis] for own in rows.values()}) > 1]
    if len(axes) < 2:
        return None
    if by_name:
        notes.append(f"{times(len(by_name), 'variant')} that are no combination of the axes take no part")
    notes += [f"{axis} applies to some variants only: the effects are means over its values" for axis in partial]
    seeds, table = _table(results, axes, rows)
    whole = {key: own for key, own in table.items() if own.keys() >= seeds}
    shared = seeds.intersection(*(own.keys() for own in table.values()))
    if len(shared) >= min(2, len(seeds)):
        if shared != seeds:
            notes.append(
                f"over the {times(len(shared), 'seed')} of {len(seeds)} that every combination has a value for"
            )
        whole, seeds = table, shared
    elif len(whole) < len(table):
        missing = len(table) - len(whole)
        notes.append(
            f"{times(missing, 'combination')} without a value for every seed {'is' if missing == 1 else 'are'} left out"
        )
    kept = {axis: tuple(v for v in plan.axes[axis] if any(key[i] == v for key in whole)) for i, axis in enumerate(axes)}
    if not seeds or sum(len(values) > 1 for values in kept.values()) < 2:
        return None
    order = sorted(seeds)
    values = np.array([[own[seed] for seed in order] for own in whole.values()])
    places = [place for place, axis in enumerate(axes) if len(kept[axis]) > 1]
    keys = tuple(tuple(key[place] for place in places) for key in whole)
    return Cells({axes[p]: kept[axes[p]] for p in places}, keys, tuple(order), values, tuple(notes))


def _table(
    results: SweepResults, axes: list[str], rows: Mapping[str, Mapping[str, str]]
) -> tuple[set[int], dict[Key, dict[int, float]]]:
    """All seeds, and for each combination of these axes its value for each seed, the mean where variants share it."""
    sharing: dict[Key, list[dict[int, float]]] = {}
    for label, own in rows.items():
        sharing.setdefault(tuple(own[axis] for axis in axes), []).append(results.by_seed(label))
    table = {
        key: {seed: statistics.fmean(one[seed] for one in found) for seed in set.intersection(*map(set, found))}
        for key, found in sharing.items()
    }
    return {seed for own in table.values() for seed in own}, table
