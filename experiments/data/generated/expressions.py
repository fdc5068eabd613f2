"""Random nested operations on digits: the grammar of ListOps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OPERATORS = ("MIN", "MAX", "MED", "SM")
END = "]"
LEAF_SHARE = 0.75
"""Of the nodes that could be operations."""
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Expression:
    """tokens: [n], digits as they are, operations from 10 on, then the closing bracket. value: what it comes to."""

    tokens: Ints
    value: int


@dataclass(frozen=True)
class Level:
    """The nodes of one level of a tree, from left to right. [w] each.

    digit: of a leaf. operator: -1 for a leaf. arguments: 0 for a leaf; the nodes of the next level are these, in order.
    """

    digit: Ints
    operator: Ints
    arguments: Ints


def draw(dice: np.random.Generator, limits: tuple[int, int], depth: int, arguments: int) -> Expression:
    """The first tree with more tokens than the lower limit and fewer than the upper one."""
    while True:
        levels: list[Level] = []
        tokens = 0
        width = 1
        while width and tokens < limits[1]:
            level = _level(dice, width, arguments, deepest=len(levels) + 1 == depth)
            levels.append(level)
            operations = int((level.operator >= 0).sum())
            tokens += width + operations
            width = int(level.arguments.sum())
        if limits[0] < tokens < limits[1] and not width:
            return Expression(_written(levels), _value(levels))


def _level(dice: np.random.Generator, width: int, arguments: int, *, deepest: bool) -> Level:
    chance = dice.random((4, width))
    leaf = np.ones(width, dtype=bool) if deepest else chance[0] < LEAF_SHARE
    operator = np.where(leaf, -1, (chance[1] * len(OPERATORS)).astype(np.int64))
    count = np.where(leaf, 0, 2 + (chance[2] * (arguments - 1)).astype(np.int64))
    return Level((chance[3] * 10).astype(np.int64), operator, count)


def _written(levels: Sequence[Level]) -> Ints:
    """The tokens in the order of reading."""
    lengths = [np.zeros(0, dtype=np.int64)]
    for level in reversed(levels):
        lengths.insert(0, 1 + (level.operator >= 0) + _over_arguments(np.add, lengths[0], level.arguments))
    tokens = np.zeros(int(lengths[0][0]), dtype=np.int64)
    start = np.zeros(1, dtype=np.int64)
    for level, length, below in zip(levels, lengths, lengths[1:], strict=False):
        operation = level.operator >= 0
        tokens[start] = np.where(operation, 10 + level.operator, level.digit)
        tokens[(start + length - 1)[operation]] = 10 + len(OPERATORS)
        # a node's arguments stand one after the other behind its operation
        ends = below.cumsum()
        first = np.repeat(np.cumsum(level.arguments) - level.arguments, level.arguments)
        begins = ends - below
        start = np.repeat(start + 1, level.arguments) + begins - begins[first]
    return tokens


def _value(levels: Sequence[Level]) -> int:
    below = np.zeros(0, dtype=np.int64)
    for level in reversed(levels):
        found = [
            _over_arguments(np.minimum, below, level.arguments),
            _over_arguments(np.maximum, below, level.arguments),
        ]
        found += [_medians(below, level.arguments), _over_arguments(np.add, below, level.arguments) % 10]
        below = np.where(level.operator < 0, level.digit, np.choose(np.maximum(level.operator, 0), found))
    return int(below[0])


def _over_arguments(join: np.ufunc, below: Ints, arguments: Ints) -> Ints:
    """The numbers of each node's arguments joined; 0 for leaves. below: [w']; arguments: [w] -> [w]."""
    joined = np.zeros_like(arguments)
    some = arguments > 0
    if some.any():
        joined[some] = join.reduceat(below, (np.cumsum(arguments) - arguments)[some])
    return joined


def _medians(below: Ints, arguments: Ints) -> Ints:
    """The medians of each node's arguments, rounded down; 0 for leaves. below: [w']; arguments: [w] -> [w]."""
    found = np.zeros_like(arguments)
    some = arguments > 0
    if some.any():
        parent = np.repeat(np.arange(len(arguments)), arguments)
        ordered, first = below[np.lexsort((below, parent))], (np.cumsum(arguments) - arguments)[some]
        count = arguments[some]
        found[some] = (ordered[first + (count - 1) // 2] + ordered[first + count // 2]) // 2
    return found
