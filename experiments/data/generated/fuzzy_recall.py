"""Fuzzy recall: keys and values are several tokens long, and of different lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice, Whole
from registry import Need, part
from registry.types import PositiveInt


@part("data", "fuzzy_recall", paper="Poli et al. 2024 (MAD), arXiv 2403.17844, section 3.1 (fuzzy in-context recall)")
class FuzzyRecall(Generated):
    """Keys of one to a few tokens, each followed by the value of one to a few that it has in this row.

    A key or a value has no token twice; keys and values are of different tokens, so that where a key ends can be seen.
    The last pair is a key that has come before, and its value. The tokens of the value of every key that has come
    before are asked. In validation and test all keys have the largest size. Rows begin with filler.

    length: tokens in a row. key_tokens, value_tokens: how many different ones. key_size, value_size: the most tokens of
    a key, of a value. held_out: validation rows, and test rows.

    Raises ValueError where a key or value could not be so long, or the row is too short for two pairs.
    """

    length: int
    provides = frozenset({"scored tokens"})
    needs = (Need("model.embedding", "tokens", "keys and values come as tokens"),)

    def __init__(
        self,
        seed: int = 0,
        *,
        length: PositiveInt = 128,
        key_tokens: PositiveInt = 7,
        value_tokens: PositiveInt = 7,
        key_size: PositiveInt = 3,
        value_size: PositiveInt = 3,
        batch_size: PositiveInt = 32,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        if key_size > key_tokens or value_size > value_tokens:
            raise ValueError("data.key_size, data.value_size: no token comes twice in one, so there are not enough")
        if length < 2 * (key_size + value_size):
            raise ValueError(f"data.length is {length}: two pairs can have {2 * (key_size + value_size)} tokens")
        self.length, self.tokens = length, (key_tokens, value_tokens)
        self.longest = (key_size, value_size)
        names = [f"{letter}{i}" for letter, count in zip("kv", self.tokens, strict=True) for i in range(count)]
        self.symbols = (*names, "<pad>")

    def make(self, dice: Dice, split: str) -> Arrays:
        b, most = len(dice), sum(self.longest)
        slots = self.length // 2
        key_sizes = dice.between(1 if split == "train" else self.longest[0], self.longest[0], slots)
        keys, values = self._motifs(dice, slots, 0), self.tokens[0] + self._motifs(dice, slots, 1)
        value_sizes = dice.between(1, self.longest[1], slots)
        # the key of the last pair is that of an earlier one, which is known to fit in
        asked = dice.whole((self.length - most) // most, 1)
        for sizes in (key_sizes, value_sizes):
            sizes[:, -1:] = np.take_along_axis(sizes, asked, axis=1)
        keys[:, -1] = keys[np.arange(b), asked[:, 0]]
        # a key has the value that was drawn for it first
        first = _first(self._codes(keys, key_sizes))
        values = np.take_along_axis(values, first[:, :, None], axis=1)
        value_sizes = np.take_along_axis(value_sizes, first, axis=1)
        again = first < np.arange(slots)
        return self._laid_out(keys, key_sizes, values, value_sizes, again)

    def _motifs(self, dice: Dice, slots: int, which: int) -> Whole:
        """Different tokens of one kind for each slot, [b slots size]."""
        order = dice.uniform(slots, self.tokens[which]).argsort(axis=2, kind="stable")
        return np.asarray(order[:, :, : self.longest[which]], dtype=np.int64)

    def _codes(self, keys: Whole, sizes: Whole) -> Whole:
        """A number for each key, equal for equal ones. keys: [b s size]; sizes: [b s] -> [b s]."""
        inside = np.arange(keys.shape[2]) < sizes[:, :, None]
        base = (self.tokens[0] + 1) ** np.arange(keys.shape[2])
        return np.asarray((np.where(inside, keys + 1, 0) * base).sum(axis=2))

    def _laid_out(self, keys: Whole, key_sizes: Whole, values: Whole, value_sizes: Whole, again: Any) -> Arrays:
        """The pairs one after the other, as many as there is room for in front of the last one, moved to the right."""
        b, sizes = len(keys), key_sizes + value_sizes
        ends = sizes[:, :-1].cumsum(axis=1)
        taken = ends <= self.length - sizes[:, -1:]
        content = np.where(taken, sizes[:, :-1], 0).sum(axis=1, keepdims=True)
        start = self.length - sizes[:, -1:] - content
        at = np.concatenate([start + ends - sizes[:, :-1], self.length - sizes[:, -1:]], axis=1)
        real = np.concatenate([taken, np.ones((b, 1), dtype=bool)], axis=1)
        # one place more than there is in a row takes what has none
        tokens = np.full((b, self.length + 1), sum(self.tokens), dtype=np.int64)
        asked = np.zeros((b, self.length + 1), dtype=bool)
        for motifs, motif_sizes, begin, scored in (
            (keys, key_sizes, at, np.zeros_like(again)),
            (values, value_sizes, at + key_sizes, again),
        ):
            for i in range(motifs.shape[2]):
                place = np.where(real & (i < motif_sizes), begin + i, self.length)
                np.put_along_axis(tokens, place, motifs[:, :, i], axis=1)
                np.put_along_axis(asked, place, scored, axis=1)
        tokens, asked = tokens[:, :-1], asked[:, :-1]
        # a token is predicted from the place before it; the first of a row never is
        return {"tokens": tokens, "targets": np.roll(tokens, -1, axis=1), "scored": np.roll(asked, -1, axis=1)}

    def options(self) -> Mapping[str, Any]:
        return {
            "length": self.length,
            "key_tokens": self.tokens[0],
            "value_tokens": self.tokens[1],
            "key_size": self.longest[0],
            "value_size": self.longest[1],
        }


def _first(codes: Whole) -> Whole:
    """Of each slot the first one with the same key. codes: [b s] -> [b s]."""
    return np.asarray((codes[:, :, None] == codes[:, None, :]).argmax(axis=2), dtype=np.int64)
