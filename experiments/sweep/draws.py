"""Settings chosen at random, or all of them in turn: what `random:` and `tune:` of a sweep draw from.

A source is a list of values or a distribution; a space says one for each path.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Mapping
from typing import Any

from experiments.sweep.labels import label
from experiments.sweep_options import Distribution

Space = Mapping[str, list[Any] | Distribution]
Tuned = Mapping[str, Any]
"""A choice from a space, path -> value."""

_DIGITS = 4
_PATIENCE = 1000


def grid(space: Space) -> list[Tuned]:
    """Every combination of the lists, the last path changing fastest. Raises ValueError for a distribution."""
    lists = [values for values in space.values() if isinstance(values, list)]
    if len(lists) < len(space):
        raise ValueError("a distribution has no end of values to go through: draw from it")
    return [dict(zip(space, chosen, strict=True)) for chosen in itertools.product(*lists)]


def draws(space: Space, number: int, seed: int) -> list[Tuned]:
    """So many different choices, fewer only where there are no more; a larger number adds to those of a smaller one."""
    generator = random.Random(seed)
    found: dict[str, Tuned] = {}
    # the last few of a small space are long in coming; a range of one float would never bring a second
    for _ in range(_PATIENCE * number):
        if len(found) >= min(number, different(space)):
            break
        drawn = {path: _value(source, generator) for path, source in space.items()}
        found.setdefault(json.dumps(drawn, sort_keys=True), drawn)
    return list(found.values())


def different(space: Space) -> float:
    """How many different choices a space has; infinite with real numbers, of which there are enough for any sweep."""
    return math.prod(_size(source) for source in space.values())


def tidy(value: float, low: float, high: float) -> float:
    """A number with as few digits as a person would write, still within [low, high]."""
    largest, span = max(abs(low), abs(high)), high - low
    digits = _DIGITS + (max(0, int(math.log10(largest / span))) if span else 0)
    return min(max(float(f"{value:.{digits}g}"), low), high)


def _value(source: list[Any] | Distribution, generator: random.Random) -> Any:
    if isinstance(source, list):
        return generator.choice(source)
    if source.integers is not None:
        return generator.randint(*source.integers)
    if source.log_uniform is not None:
        low, high = source.log_uniform
        return tidy(math.exp(generator.uniform(math.log(low), math.log(high))), low, high)
    if source.uniform is None:
        raise ValueError("a distribution needs one of uniform, log_uniform, integers")
    low, high = source.uniform
    return tidy(generator.uniform(low, high), low, high)


def in_words(source: list[Any] | Distribution) -> str:
    """`0.001, 0.01`, or `0.0001 to 0.01, evenly in the logarithm`."""
    if isinstance(source, list):
        return ", ".join(map(label, source))
    low, high = source.uniform or source.log_uniform or source.integers or (0, 0)
    how = {True: ", evenly in the logarithm", False: ", whole numbers" if source.integers else ""}
    return f"{low:g} to {high:g}{how[source.log_uniform is not None]}"


def _size(source: list[Any] | Distribution) -> float:
    if isinstance(source, list):
        return len({json.dumps(value, sort_keys=True) for value in source})
    if source.integers is not None:
        low, high = source.integers
        return high - low + 1
    ends = source.uniform or source.log_uniform or (0.0, 0.0)
    return math.inf if ends[0] < ends[1] else 1
