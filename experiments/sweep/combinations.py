"""All combinations of the axes, each once: an axis with a condition is varied only where that holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.sweep.axes import Factor
from experiments.sweep.conditions import Conditions
from experiments.sweep.labels import DOES_NOT_APPLY
from experiments.sweep.settings import Settings
from registry.errors import Path


@dataclass(frozen=True)
class Combination:
    """What may become a variant.

    values: path of each axis -> label. steps: path of each axis that it sets -> the step of its factor.
    origins: path -> where the spec says the value. overrides: the numbers of those that it has met.
    """

    label: str
    values: Mapping[str, str]
    settings: Settings
    steps: Mapping[str, int] = field(default_factory=dict)
    origins: Mapping[str, Path] = field(default_factory=dict)
    overrides: tuple[int, ...] = ()


def combinations(factors: Sequence[Factor], conditions: Conditions) -> list[Combination]:
    """The first factor changes slowest. A factor that does not apply leaves the spec as it is, and shows a dash."""
    order = in_order(factors)
    found = list(_choices(factors, order, {}, conditions))
    found.sort(key=lambda chosen: [chosen[number] or 0 for number in range(len(factors))])
    return [_combination(factors, chosen) for chosen in found]


def in_order(factors: Sequence[Factor]) -> list[int]:
    """Numbers of the factors, each behind those that decide whether it applies. Raises ValueError for a circle.

    Of a circle, the message names the paths.
    """
    placed = [number for number, factor in enumerate(factors) if not factor.when]
    left = [number for number in range(len(factors)) if number not in placed]
    while left:
        free = [n for n in left if not any(_decides(factors[m], factors[n]) for m in left if m != n)]
        free = [n for n in free if not _decides(factors[n], factors[n])]
        if not free:
            raise ValueError(", ".join(path for number in left for path in factors[number].values))
        placed += free
        left = [number for number in left if number not in free]
    return placed


def _decides(one: Factor, other: Factor) -> bool:
    """Whether a condition of the other speaks of what the one sets: its path, or a part of the block there."""
    return any(asked == path or asked.startswith(f"{path}.") for path in one.values for asked in other.when)


def _choices(
    factors: Sequence[Factor], order: Sequence[int], chosen: Mapping[int, int | None], conditions: Conditions
) -> Iterator[Mapping[int, int | None]]:
    """Every way to go on from the steps chosen so far; None: the factor does not apply."""
    if not order:
        yield chosen
        return
    number, *rest = order
    factor = factors[number]
    if conditions.hold(factor.when, *_picked(factors, chosen)):
        for step in range(factor.size):
            yield from _choices(factors, rest, {**chosen, number: step}, conditions)
    else:
        yield from _choices(factors, rest, {**chosen, number: None}, conditions)


def _picked(factors: Sequence[Factor], chosen: Mapping[int, int | None]) -> tuple[dict[str, int], Settings]:
    steps: dict[str, int] = {}
    settings: list[tuple[str, Any]] = []
    for number in sorted(chosen):
        step = chosen[number]
        if step is not None:
            for path, values in factors[number].values.items():
                steps[path] = step
                settings.append((path, values[step]))
    return steps, tuple(settings)


def _combination(factors: Sequence[Factor], chosen: Mapping[int, int | None]) -> Combination:
    steps, settings = _picked(factors, chosen)
    values: dict[str, str] = {}
    origins: dict[str, Path] = {}
    for number, factor in enumerate(factors):
        step = chosen[number]
        for path, labels in factor.labels.items():
            values[path] = DOES_NOT_APPLY if step is None else labels[step]
            if step is not None:
                origins[path] = factor.place(path, step)
    return Combination(joined(values), values, settings, steps, origins)


def joined(values: Mapping[str, str]) -> str:
    """The label of a combination, from those of its values."""
    return " / ".join(values.values())
