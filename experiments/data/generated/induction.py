"""Induction heads: what stood behind this token when it came before?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice
from experiments.data.generated.prompted import letters
from registry import Need, part
from registry.types import PositiveInt


@part(
    "data",
    "induction",
    paper="Gu and Dao 2023 (Mamba), arXiv 2312.00752, section 4.1.2; Olsson et al. 2022, arXiv 2209.11895",
)
class Induction(Generated):
    """Random symbols among which a trigger stands; it comes again at the end: tell the symbol that stood behind it.

    `b <t> a c b c <t>` has the target a. With `repeats` the trigger comes so often again, each time with the same
    symbol behind it, and every time but the first one is asked.

    length: tokens in a row. test_length: in the test split. alphabet: different symbols beside the trigger.
    repeats: how often the trigger comes again. held_out: validation rows, and test rows.

    Raises ValueError for a row too short for them.
    """

    length: int
    provides = frozenset({"scored tokens"})
    needs = (Need("model.embedding", "tokens", "symbols come as tokens"),)

    def __init__(
        self,
        seed: int = 0,
        *,
        length: PositiveInt = 128,
        test_length: PositiveInt | None = None,
        alphabet: PositiveInt = 16,
        repeats: PositiveInt = 1,
        batch_size: PositiveInt = 32,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        self.usual, self.in_test, self.alphabet, self.repeats = length, test_length or length, alphabet, repeats
        self.length = max(self.usual, self.in_test)
        if min(self.usual, self.in_test) < 2 * repeats + 1:
            raise ValueError(f"data.length: {repeats + 1} triggers and what follows them need {2 * repeats + 1} tokens")
        self.symbols = (*letters(alphabet), "<t>")

    def make(self, dice: Dice, split: str) -> Arrays:
        n = self.in_test if split == "test" else self.usual
        tokens, told = dice.whole(self.alphabet, n), dice.whole(self.alphabet, 1)
        # places of pairs that do not overlap: each of those chosen before moves the later ones on by one
        chosen = np.sort(dice.chosen(n - 1 - self.repeats, self.repeats), axis=1)
        place = chosen + np.arange(self.repeats)
        np.put_along_axis(tokens, place, self.alphabet, axis=1)
        np.put_along_axis(tokens, place + 1, told, axis=1)
        tokens[:, -1] = self.alphabet
        targets, scored = np.broadcast_to(told, tokens.shape), tokens == self.alphabet
        scored[np.arange(len(tokens)), place[:, 0]] = False
        return {"tokens": tokens, "targets": targets, "scored": scored}

    def options(self) -> Mapping[str, Any]:
        return {
            "length": self.usual,
            "test_length": self.in_test,
            "alphabet": self.alphabet,
            "repeats": self.repeats,
        }
