"""The whole number whose amount comes nearest to a target."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Amount = Callable[[int], float | None]
"""The amount that a value of the knob makes; None for a value that cannot be."""

SCAN = 512
"""How many values in a row are tried to find one that can be."""
_STRIDE = 8
"""How many times larger or smaller one step of the search for a bracket may be."""


@dataclass(frozen=True)
class Point:
    """A value of the knob and the amount it makes."""

    value: int
    amount: float


@dataclass(frozen=True)
class Found:
    """What a search has found: the nearest point, and the last one on either side of the target, where there is one.

    flat: every value that was tried makes the same amount.
    """

    nearest: Point
    below: Point | None
    above: Point | None
    flat: bool = False


def nearest(amount: Amount, target: float, start: int, most: int) -> Found | None:
    """The value in 1 .. `most` whose amount is nearest to the target; of two as near, the one with less of it.

    The amount must only grow, or only fall, with the value, though it may rest. Values that cannot be may lie between
    others, no more than `SCAN` in a row. Returns None where no value can be. start: where to begin.
    """
    search = _Search(amount, target, most)
    first = search.near(min(start, most), 0, most + 1)
    return None if first is None else search.run(first)


class _Search:
    def __init__(self, amount: Amount, target: float, most: int) -> None:
        self.amount = amount
        self.target = target
        self.most = most
        self.known: dict[int, float | None] = {}
        self.rising = True

    def run(self, first: Point) -> Found:
        if first.amount == self.target:
            return self._found(first, first)
        second = self._step(first, None) or self._step(first, None, turned=True)
        if second is None or second.amount == first.amount:
            second = self._another(first)
        if second is None:
            return self._found(first, first, flat=True)
        self.rising = (second.amount > first.amount) == (second.value > first.value)
        low, high = self._bracket(first, second)
        if low is not None and high is not None:
            low, high = self._narrowed(low, high)
        return self._found(low, high)

    def near(self, value: int, above: int, below: int) -> Point | None:
        """The valid value nearest to `value`, strictly between two others."""
        value = min(max(value, above + 1), below - 1)
        for distance in range(SCAN):
            inside = [v for v in dict.fromkeys((value - distance, value + distance)) if above < v < below]
            for candidate in inside:
                point = self._at(candidate)
                if point is not None:
                    return point
            if not inside:
                break
        return None

    def _at(self, value: int) -> Point | None:
        if value not in self.known:
            self.known[value] = self.amount(value)
        amount = self.known[value]
        return None if amount is None else Point(value, amount)

    def _another(self, first: Point) -> Point | None:
        """A point with another amount, looked for further away; None where there seems to be none."""
        for value in (2 * first.value, 4 * first.value, 16 * first.value, first.value // 2, 1):
            above, below = (first.value, self.most + 1) if value > first.value else (0, first.value)
            point = self.near(value, above, below)
            if point is not None and point.amount != first.amount:
                return point
        return None

    def _bracket(self, first: Point, second: Point) -> tuple[Point | None, Point | None]:
        """Points on both sides of the target, the smaller value first; None where no value reaches that side."""
        before, here = sorted((first, second), key=lambda point: point.value)
        if self._short(before) != self._short(here):
            return before, here
        if not self._short(here):
            before, here = here, before
        while True:
            following = self._step(here, before)
            if following is None:
                return (here, None) if self._short(here) else (None, here)
            if self._short(following) != self._short(here):
                return (here, following) if here.value < following.value else (following, here)
            before, here = here, following

    def _step(self, here: Point, before: Point | None, turned: bool = False) -> Point | None:
        """A value further on towards the target: where a line through two points, or else through zero, says it is.

        turned: the other way. Returns None where no further value can be.
        """
        line = (0, 0.0) if before is None else (before.value, before.amount)
        slope = (here.amount - line[1]) / (here.value - line[0])
        away = abs((self.target - here.amount) / slope) if slope else math.inf
        if self._short(here) != turned:
            to = min(here.value * _STRIDE, here.value + away)
            return self.near(max(here.value + 1, math.ceil(to)), here.value, self.most + 1)
        to = max(here.value / _STRIDE, here.value - away)
        return self.near(min(here.value - 1, math.floor(to)), 0, here.value)

    def _short(self, point: Point) -> bool:
        """Whether the target lies at larger values than this one."""
        return point.amount < self.target if self.rising else point.amount > self.target

    def _narrowed(self, low: Point, high: Point) -> tuple[Point, Point]:
        """The last valid values on both sides of the target; by secants, and halves where these go slowly."""
        for turn in range(4 * self.most.bit_length()):
            share = (self.target - low.amount) / (high.amount - low.amount) if turn % 3 < 2 else 0.5
            middle = self.near(round(low.value + share * (high.value - low.value)), low.value, high.value)
            if middle is None:
                break
            if middle.amount == self.target:
                return middle, middle
            low, high = (middle, high) if self._short(middle) else (low, middle)
        return low, high

    def _found(self, low: Point | None, high: Point | None, flat: bool = False) -> Found:
        points = [point for point in (low, high) if point is not None]
        best = min(points, key=lambda point: (abs(point.amount - self.target), point.amount))
        below = [point for point in points if point.amount <= self.target]
        above = [point for point in points if point.amount >= self.target]
        return Found(best, max(below, key=_amount, default=None), min(above, key=_amount, default=None), flat)


def _amount(point: Point) -> float:
    return point.amount
