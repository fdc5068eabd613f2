"""Parity: is the number of ones so far odd?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice
from registry import Need, part
from registry.types import PositiveInt


@part(
    "data", "parity", paper="Hahn 2020, arXiv 1906.06755, section 4; Deletang et al. 2022, arXiv 2207.02098 (lengths)"
)
class Parity(Generated):
    """Random bits; at each, whether the ones up to it are an odd number: every beginning of a row is a question.

    `1 0 1 1` has the targets 1 1 0 1.

    length: bits in a row, so that questions of every length up to it are trained and validated. test_length: bits in a
    row of the test split, of which those behind `length` alone are asked: only lengths never met in training.
    ask_from: no question has fewer bits. held_out: validation rows, and test rows.

    Raises ValueError where no question is left.
    """

    length: int
    provides = frozenset({"scored tokens"})
    needs = (Need("model.embedding", "tokens", "bits come as tokens"),)
    symbols = ("0", "1")

    def __init__(
        self,
        seed: int = 0,
        *,
        length: PositiveInt = 32,
        test_length: PositiveInt | None = None,
        ask_from: PositiveInt = 1,
        batch_size: PositiveInt = 32,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        self.usual, self.in_test, self.ask_from = length, test_length or length, ask_from
        self.length = max(self.usual, self.in_test)
        if ask_from > length:
            raise ValueError(f"data.ask_from is {ask_from}, but a row has {length} bits: no question is left")
        if self.in_test < length:
            raise ValueError(f"data.test_length is {test_length}: it has to be longer than data.length, {length}")

    def make(self, dice: Dice, split: str) -> Arrays:
        longer = split == "test" and self.in_test > self.usual
        n, first = (self.in_test, self.usual) if longer else (self.usual, self.ask_from - 1)
        bits = dice.whole(2, n)
        return {
            "tokens": bits,
            "targets": bits.cumsum(axis=1) % 2,
            "scored": np.broadcast_to(np.arange(n) >= first, bits.shape),
        }

    def options(self) -> Mapping[str, Any]:
        return {"length": self.usual, "test_length": self.in_test, "ask_from": self.ask_from}
