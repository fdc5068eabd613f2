"""Addition of two numbers, digit by digit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice
from experiments.data.generated.prompted import lengths_of, prompted, turned
from registry import Need, part
from registry.types import PositiveInt

PLUS, EQUALS, FILLER = 10, 11, 12


@part(
    "data",
    "addition",
    paper="Lee et al. 2023, arXiv 2307.03381, section 3 (plain and reversed); Kazemnejad et al. 2023",
)
class Addition(Generated):
    """`38+74=112`, and the digits of the sum are predicted one after the other.

    Both numbers have as many digits, zeros in front included, and the sum has one more. Reversed, the sum begins with
    its lowest digit, `38+74=211`, so that each digit follows from two digits and a carry.

    digits: of each number. shortest: in training any number of digits from this on is drawn for each row.
    test_digits: in the test split. reverse: the sum. held_out: validation rows, and test rows.
    """

    length: int
    provides = frozenset({"scored tokens"})
    needs = (Need("model.embedding", "tokens", "digits come as tokens"),)
    symbols = (*"0123456789+=", "<pad>")

    def __init__(
        self,
        seed: int = 0,
        *,
        digits: PositiveInt = 4,
        shortest: PositiveInt | None = None,
        test_digits: PositiveInt | None = None,
        reverse: bool = False,
        batch_size: PositiveInt = 32,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        self.digits, self.shortest, self.in_test, self.reverse = digits, shortest, test_digits or digits, reverse
        self.length = 3 * max(self.digits, self.in_test) + 2

    def make(self, dice: Dice, split: str) -> Arrays:
        longest = self.in_test if split == "test" else self.digits
        lengths = lengths_of(dice, self.shortest, longest, split)
        # lowest digit first, so that the digits that a row does not have are the last ones
        inside = np.arange(longest) < lengths[:, None]
        a, b = (np.where(inside, dice.whole(10, longest), 0) for _ in range(2))
        total, carry = np.zeros((len(dice), longest + 1), dtype=np.int64), np.zeros(len(dice), dtype=np.int64)
        for i in range(longest):
            carry, total[:, i] = np.divmod(a[:, i] + b[:, i] + carry, 10)
        total[:, longest] = carry
        answer = total if self.reverse else turned(total, lengths + 1)
        rows, question = np.arange(len(dice)), np.full((len(dice), 2 * longest + 2), EQUALS, dtype=np.int64)
        place = np.arange(longest)
        question[:, :longest] = turned(a, lengths)
        question[rows, lengths] = PLUS
        second = lengths[:, None] + 1 + place
        np.put_along_axis(question, second, np.where(inside, turned(b, lengths), EQUALS), axis=1)
        return prompted(question, answer, 2 * lengths + 2, lengths + 1, FILLER)

    def options(self) -> Mapping[str, Any]:
        return {
            "digits": self.digits,
            "shortest": self.shortest,
            "test_digits": self.in_test,
            "reverse": self.reverse,
        }
