"""Associative recall with many questions (MQAR): which value stood behind this key?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice
from registry import Need, part
from registry.types import PositiveFloat, PositiveInt


@part("data", "recall", paper="Arora et al. 2023 (Zoology), arXiv 2312.04927, section 4 and appendix E (MQAR)")
class Recall(Generated):
    """Pairs of a key and a value, then every key once more, at a random distance, where its value is to be told.

    The first half of the vocabulary are keys (but number 0, which is blank), the second half values; a row has no key
    and no value twice among its pairs. Behind the pairs come slots of two tokens; each key is in a slot of its own,
    chosen with shares proportional to slot ** (power - 1), so that most come back soon, as words do in a text.
    The other tokens are any tokens of the vocabulary, or blank.

    pairs: how many. length: tokens in a row, an even number. vocab_size: of keys and values together.
    power: 1 makes all distances alike. fill: what stands where no key does. held_out: validation rows, and test rows.

    Raises ValueError where the pairs do not fit into the length or the vocabulary.
    """

    length: int
    provides = frozenset({"scored tokens"})
    needs = (Need("model.embedding", "tokens", "keys and values come as tokens"),)

    def __init__(
        self,
        seed: int = 0,
        *,
        pairs: PositiveInt = 8,
        length: PositiveInt = 64,
        vocab_size: PositiveInt = 256,
        power: PositiveFloat = 0.01,
        fill: Literal["random", "blank"] = "random",
        batch_size: PositiveInt = 32,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        self.pairs, self.length, self.power, self.fill = pairs, length, power, fill
        self.keys = vocab_size // 2
        if length % 2 or length < 4 * pairs:
            raise ValueError(f"data.length is {length}: it has to be even, and {4 * pairs} at least for {pairs} pairs")
        if self.keys - 1 < pairs:
            raise ValueError(f"data.vocab_size is {vocab_size}: {2 * pairs + 2} at least are needed for {pairs} pairs")
        self.symbols = ("0", *(f"k{i}" for i in range(1, self.keys)), *(f"v{i}" for i in range(vocab_size - self.keys)))

    def make(self, dice: Dice, split: str) -> Arrays:
        vocab, context = len(self.symbols), 2 * self.pairs
        keys = 1 + dice.chosen(self.keys - 1, self.pairs)
        values = self.keys + dice.chosen(vocab - self.keys, self.pairs)
        slots = (self.length - context) // 2
        asked = context + 2 * dice.chosen(slots, self.pairs, np.arange(1.0, slots + 1) ** (self.power - 1))
        random = dice.whole(vocab, self.length)
        tokens = random if self.fill == "random" else np.zeros_like(random)
        tokens[:, :context] = np.stack([keys, values], axis=2).reshape(len(keys), context)
        np.put_along_axis(tokens, asked, keys, axis=1)
        targets, scored = np.zeros_like(tokens), np.zeros(tokens.shape, dtype=bool)
        np.put_along_axis(targets, asked, values, axis=1)
        np.put_along_axis(scored, asked, True, axis=1)
        return {"tokens": tokens, "targets": targets, "scored": scored}

    def options(self) -> Mapping[str, Any]:
        return {"pairs": self.pairs, "length": self.length, "power": self.power, "fill": self.fill}
