"""Nested brackets of several types: which brackets may come next?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice
from registry import Need, part
from registry.types import NonNegativeInt, PositiveInt


@part("data", "dyck", paper="Yao et al. 2021, arXiv 2105.11115, section 5 (bounded depth); Hewitt et al. 2020")
class Dyck(Generated):
    """Beginnings of well nested brackets, and behind each bracket the set of those that may come next.

    Opening ones may come while fewer than `depth` are open, and that closing one which matches the last open one. Each
    set is a class of its own: none is open (opening ones only), type t is open and there is room (opening ones and its
    closing one), or the depth is full (its closing one only). A bracket opens or closes with probability 1/2 where both
    are allowed; types are drawn evenly.

    types: of brackets. depth: how many are open at a time at most. length: brackets in a row. test_length: in the test
    split. distance: only those sets are asked that a bracket at least so far back decides: the last one still open.
    held_out: validation rows, and test rows.
    """

    length: int
    provides = frozenset({"scored tokens"})
    needs = (Need("model.embedding", "tokens", "brackets come as tokens"),)

    def __init__(
        self,
        seed: int = 0,
        *,
        types: PositiveInt = 4,
        depth: PositiveInt = 6,
        length: PositiveInt = 64,
        test_length: PositiveInt | None = None,
        distance: NonNegativeInt = 0,
        batch_size: PositiveInt = 32,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        self.types, self.depth, self.distance = types, depth, distance
        self.usual, self.in_test = length, test_length or length
        self.length = max(self.usual, self.in_test)
        numbers = range(types)
        self.symbols = (*(f"({i}" for i in numbers), *(f"{i})" for i in numbers), "<none>")

    def make(self, dice: Dice, split: str) -> Arrays:
        n, b = self.in_test if split == "test" else self.usual, len(dice)
        types, coins = dice.whole(self.types, n), dice.uniform(n) < 0.5
        rows = np.arange(b)
        stack, since = np.zeros((b, self.depth + 1), dtype=np.int64), np.zeros((b, self.depth + 1), dtype=np.int64)
        open_ = np.zeros(b, dtype=np.int64)
        tokens, targets = np.zeros((b, n), dtype=np.int64), np.zeros((b, n), dtype=np.int64)
        scored = np.zeros((b, n), dtype=bool)
        for i in range(n):
            opens = (open_ == 0) | (coins[:, i] & (open_ < self.depth))
            tokens[:, i] = np.where(opens, types[:, i], self.types + stack[rows, open_])
            open_ = open_ + np.where(opens, 1, -1)
            stack[rows[opens], open_[opens]], since[rows[opens], open_[opens]] = types[opens, i], i
            last = stack[rows, open_]
            # one number for each set: with room the last type's opening bracket, else its closing one
            full = np.where(open_ < self.depth, last, self.types + last)
            targets[:, i] = np.where(open_ == 0, 2 * self.types, full)
            scored[:, i] = (i - since[rows, open_] >= self.distance) & ((open_ > 0) | (self.distance == 0))
        return {"tokens": tokens, "targets": targets, "scored": scored}

    def options(self) -> Mapping[str, Any]:
        return {
            "types": self.types,
            "depth": self.depth,
            "length": self.usual,
            "test_length": self.in_test,
            "distance": self.distance,
        }
