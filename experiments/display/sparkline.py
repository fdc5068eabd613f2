"""A curve in a few characters of text."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = "_.:-=+*#"
"""For terminals that have no blocks."""


class Trace:
    """The values of a growing series, thinned so that at most twice `most` are kept, evenly over all of it."""

    def __init__(self, most: int = 64) -> None:
        self.values: list[float] = []
        self._most = most
        self._every = 1
        self._skipped = 0

    def add(self, value: float) -> None:
        self._skipped += 1
        if self._skipped < self._every:
            return
        self._skipped = 0
        self.values.append(value)
        if len(self.values) >= 2 * self._most:
            self.values = self.values[1::2]
            self._every *= 2


def sparkline(values: Sequence[float], width: int = 8, *, signs: str = BLOCKS) -> str:
    """At most `width` signs, the lowest value as the first of `signs` and the highest as the last; x: not finite."""
    if not values:
        return ""
    width = min(width, len(values))
    cuts = [round(place * len(values) / width) for place in range(width + 1)]
    means = [_mean(values[start:end]) for start, end in itertools.pairwise(cuts)]
    known = [mean for mean in means if mean is not None]
    low, span = (min(known), max(known) - min(known)) if known else (0.0, 0.0)
    return "".join("x" if mean is None else signs[_level(mean - low, span, len(signs))] for mean in means)


def signs_for(encoding: str) -> str:
    """Blocks, where the encoding has them."""
    try:
        BLOCKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return BLOCKS


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if all(map(math.isfinite, values)) else None


def _level(above: float, span: float, levels: int) -> int:
    return min(levels - 1, int(above / span * levels)) if span > 0 else 0
