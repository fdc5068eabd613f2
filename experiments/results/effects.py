"""What each axis contributes on its own, and which axes work together: a factorial analysis of a sweep.

The additive model (value = mean + one effect per axis) is fitted to the combinations that were trained, for each seed
on its own, by least squares with effects that sum to zero over the values of an axis. What is estimated is thus a
weighted sum of the combinations, computed once a seed, and its interval and test are those of the mean of these over
seeds: combinations need not vary alike. Where missing combinations make an effect impossible to tell from others, that
is said (Searle 1971, Linear Models, chapter 5: estimable functions).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.results.cells import Cells, cells_of
from experiments.results.statistics import CONFIDENCE, Estimate, estimate, holm, holm_levels, paired, t_interval

if TYPE_CHECKING:
    from experiments.results.sweep import SweepResults

# Below this, a number that linear algebra made of others of size one is zero.
ZERO = 1e-9
Row = Any
"""A numpy vector: weights of the combinations."""


@dataclass(frozen=True)
class MainEffect:
    """What a value of an axis adds to the metric, against the mean of the axis' values.

    estimate: with the interval of this effect alone. low_all, high_all: the interval at the level that it was tested
    at, excluding zero just where `shown`. p_holm: of no effect, corrected over the values of all axes; None with one
    seed. variants: how many combinations have the value.
    """

    axis: str
    value: str
    estimate: Estimate
    variants: int
    p_holm: float | None = None
    low_all: float | None = None
    high_all: float | None = None

    @property
    def shown(self) -> bool:
        """Whether an effect is shown, corrected for the number of effects."""
        return self.p_holm is not None and self.p_holm < 1 - CONFIDENCE


@dataclass(frozen=True)
class Interaction:
    """What pairs of values add beyond the sum of their main effects: (value of the first axis, of the second) -> it.

    p_holm: of no interaction, corrected over the cells of all pairs of axes; empty with one seed.
    """

    axes: tuple[str, str]
    cells: Mapping[tuple[str, str], Estimate]
    p_holm: Mapping[tuple[str, str], float]

    @property
    def shown(self) -> tuple[tuple[str, str], ...]:
        """The cells in which an interaction is shown, the largest first."""
        found = (cell for cell, p in self.p_holm.items() if p < 1 - CONFIDENCE)
        return tuple(sorted(found, key=lambda cell: -abs(self.cells[cell].mean)))


@dataclass(frozen=True)
class Effects:
    """Main effects in the order of the axes, interactions of each pair of axes, and shares of the variance.

    shares: axis, or `a x b` -> share of the variance over all trials, the means of the seeds taken out: what the sum of
    squares grows by when the axis joins all other axes, or the interaction joins all axes (type II). They add up to one
    with `luck` and interactions of three axes or more if every combination was trained, and only about so if not. Luck
    is in the share of an interaction, too: by itself it makes (values of a - 1) x (values of b - 1) parts of it.
    luck: the share that neither variant nor seed explains; None with one seed. notes: what could not be estimated.
    """

    main: tuple[MainEffect, ...]
    interactions: tuple[Interaction, ...]
    shares: Mapping[str, float]
    luck: float | None
    seeds: tuple[int, ...]
    notes: tuple[str, ...]


def effects(results: SweepResults) -> Effects | None:
    """The effects of a sweep's axes on its metric; None where fewer than two axes have two values that were trained."""
    cells = cells_of(results)
    if cells is None:
        return None
    import numpy as np

    design = _design(cells, list(cells.axes))
    solve = np.linalg.pinv(design)
    notes = list(cells.notes)
    mains: dict[tuple[str, str], Row] = {}
    for (axis, value), contrast in _contrasts(cells).items():
        if np.abs(contrast - contrast @ solve @ design).max() > ZERO:
            notes.append(
                f"the effect of {value} ({axis}) cannot be told from others with the combinations that there are"
            )
        else:
            mains[axis, value] = contrast @ solve
    residual = np.eye(len(cells.keys)) - design @ solve
    inter = {
        (pair, key): row
        for pair in itertools.combinations(cells.axes, 2)
        for key, has in _members(cells, pair).items()
        if np.abs(row := has @ residual / has.sum()).max() > ZERO
    }
    found, tested = _estimated(cells, mains, results.confidence), _tested(cells, mains, results.confidence)
    main = tuple(
        MainEffect(axis, value, one, int(_members(cells, (axis,))[(value,)].sum()), *tested.get((axis, value), ()))
        for (axis, value), one in found.items()
    )
    found_pairs, tested_pairs = _estimated(cells, inter, results.confidence), _tested(cells, inter, results.confidence)
    interactions = tuple(
        Interaction(
            pair,
            {key: one for (of, key), one in found_pairs.items() if of == pair},
            {key: test[0] for (of, key), test in tested_pairs.items() if of == pair},
        )
        for pair in itertools.combinations(cells.axes, 2)
    )
    shares, luck = _shares(cells)
    return Effects(main, interactions, shares, luck, cells.seeds, tuple(notes))


def _members(cells: Cells, axes: Sequence[str]) -> dict[tuple[str, ...], Row]:
    """Values of these axes -> 1 for each combination that has them, else 0."""
    import numpy as np

    places = [list(cells.axes).index(axis) for axis in axes]
    named = [tuple(key[place] for place in places) for key in cells.keys]
    return {key: np.array([float(own == key) for own in named]) for key in dict.fromkeys(named)}


def _columns(cells: Cells, axis: str) -> Any:
    """[combinations, values - 1]: one column a value, the last value being minus all of them."""
    import numpy as np

    has = _members(cells, (axis,))
    each = np.stack([has[(value,)] for value in cells.axes[axis]], 1)
    return each[:, :-1] - each[:, -1:]


def _design(cells: Cells, axes: Sequence[str], pair: tuple[str, str] | None = None) -> Any:
    """The additive model of these axes, [combinations, coefficients], the mean first; and the interaction of a pair."""
    import numpy as np

    parts = [np.ones((len(cells.keys), 1)), *(_columns(cells, axis) for axis in axes)]
    if pair:
        a, b = (_columns(cells, axis) for axis in pair)
        parts.append((a[:, :, None] * b[:, None, :]).reshape(len(cells.keys), -1))
    return np.concatenate(parts, 1)


def _contrasts(cells: Cells) -> dict[tuple[str, str], Row]:
    """(axis, value) -> its effect as weights of the additive model's coefficients."""
    import numpy as np

    found: dict[tuple[str, str], Row] = {}
    size, start = 1 + sum(len(values) - 1 for values in cells.axes.values()), 1
    for axis, values in cells.axes.items():
        last = len(values) - 1
        for number, value in enumerate(values):
            row = np.zeros(size)
            row[start : start + last] = np.eye(last)[number] if number < last else -1.0
            found[axis, value] = row
        start += last
    return found


def _per_seed(cells: Cells, row: Row) -> list[float]:
    """The weighted sum of the combinations for each seed; what is left of rounding is zero."""
    largest = float(abs(cells.values).max())
    return [value if abs(value) > ZERO * largest * 1e-3 else 0.0 for value in (row @ cells.values).tolist()]


def _estimated(cells: Cells, rows: Mapping[Any, Row], confidence: float) -> dict[Any, Estimate]:
    found = {key: estimate(_per_seed(cells, row), confidence=confidence) for key, row in rows.items()}
    return {key: one for key, one in found.items() if one is not None}


def _tested(
    cells: Cells, rows: Mapping[Any, Row], confidence: float
) -> dict[Any, tuple[float, float | None, float | None]]:
    """p, corrected by Holm, and the interval at the level of its test; rows that mirror each other are one test."""
    once: dict[Any, list[Any]] = {}
    for key, row in rows.items():
        rounded = tuple((row / abs(row).max()).round(6))
        mirrored = tuple(-weight for weight in rounded)
        once.setdefault(mirrored if mirrored in once else rounded, []).append(key)
    per_seed = {key: dict(enumerate(_per_seed(cells, row))) for key, row in rows.items()}
    tests = [
        (keys, test)
        for keys in once.values()
        if (test := paired(per_seed[keys[0]], dict.fromkeys(per_seed[keys[0]], 0.0)))
    ]
    known = [(keys, test.p) for keys, test in tests if test.p is not None]
    p_values = [p for _, p in known]
    looks, found = (1 - CONFIDENCE) / (1 - confidence), {}
    for (keys, _), p, level in zip(known, holm(p_values), holm_levels(p_values, 1 - confidence), strict=True):
        for key in keys:
            own = paired(per_seed[key], dict.fromkeys(per_seed[key], 0.0))
            assert own is not None
            low, high = (None, None) if own.sd == 0 and own.mean else t_interval(own.n, own.mean, own.sd, 1 - level)
            found[key] = (min(1.0, p * looks), low, high)
    return found


def _shares(cells: Cells) -> tuple[dict[str, float], float | None]:
    """Shares of the variance of all trials, without that between seeds; see `Effects`."""
    import numpy as np

    values = cells.values - cells.values.mean()
    values = values / (abs(values).max() or 1.0)
    means = values.mean(1)
    luck = values - means[:, None] - values.mean(0) + values.mean()
    total = len(cells.seeds) * float(((means - means.mean()) ** 2).sum()) + float((luck**2).sum())

    def explained(design: Any) -> float:
        return len(cells.seeds) * float(((design @ (np.linalg.pinv(design) @ means)) ** 2).sum())

    axes = list(cells.axes)
    full = explained(_design(cells, axes))
    parts = {axis: full - explained(_design(cells, [other for other in axes if other != axis])) for axis in axes}
    for pair in itertools.combinations(axes, 2):
        parts[" x ".join(pair)] = explained(_design(cells, axes, pair)) - full
    shares = {name: max(0.0, part / total) if total else 0.0 for name, part in parts.items()}
    return shares, (float((luck**2).sum()) / total if total else 0.0) if len(cells.seeds) > 1 else None
