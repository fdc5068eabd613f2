"""Selective copying: symbols lie among blanks, and only they are to be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice
from experiments.data.generated.prompted import letters
from registry import Need, part
from registry.types import PositiveInt


@part("data", "selective_copy", paper="Gu and Dao 2023 (Mamba), arXiv 2312.00752, section 4.1.1; Jing et al. 2019")
class SelectiveCopy(Generated):
    """Symbols at random places among blanks; behind a sign, one blank for each of them, where it is to be told.

    `. c . . a . <copy> . .` has the targets c and a at its last two blanks. Where the symbols stand differs from row to
    row, so that a fixed shift does not find them. Answers are not shown: no target depends on the one before it.

    symbols: how many are to be repeated. length: tokens in a row. test_length: in the test split.
    alphabet: different symbols. held_out: validation rows, and test rows.

    Raises ValueError where the symbols do not fit into the length.
    """

    length: int
    provides = frozenset({"scored tokens"})
    needs = (Need("model.embedding", "tokens", "symbols come as tokens"),)

    def __init__(
        self,
        seed: int = 0,
        *,
        symbols: PositiveInt = 16,
        length: PositiveInt = 128,
        test_length: PositiveInt | None = None,
        alphabet: PositiveInt = 14,
        batch_size: PositiveInt = 32,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        self.count, self.alphabet = symbols, alphabet
        self.lengths = {"test": test_length or length}
        self.usual, self.length = length, max(length, self.lengths["test"])
        if min(self.usual, self.lengths["test"]) < 2 * symbols + 1:
            raise ValueError(
                f"data.length: {symbols} symbols, a sign and as many answers need {2 * symbols + 1} tokens"
            )
        self.symbols = (*letters(alphabet), ".", "<copy>")

    def make(self, dice: Dice, split: str) -> Arrays:
        n, k = self.lengths.get(split, self.usual), self.count
        before = n - k - 1
        symbols = dice.whole(self.alphabet, k)
        tokens = np.full((len(dice), n), self.alphabet, dtype=np.int64)
        np.put_along_axis(tokens, np.sort(dice.chosen(before, k), axis=1), symbols, axis=1)
        tokens[:, before] = self.alphabet + 1
        targets = np.full_like(tokens, self.alphabet)
        targets[:, -k:] = symbols
        return {"tokens": tokens, "targets": targets, "scored": np.broadcast_to(np.arange(n) > before, tokens.shape)}

    def options(self) -> Mapping[str, Any]:
        return {
            "symbols": self.count,
            "length": self.usual,
            "test_length": self.lengths["test"],
            "alphabet": self.alphabet,
        }
