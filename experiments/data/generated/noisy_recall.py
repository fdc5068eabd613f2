"""Recall among noise: pairs of a key and a value come again and again, with noise between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice, Whole
from registry import Need, part
from registry.types import PositiveInt, Probability


@part("data", "noisy_recall", paper="Poli et al. 2024 (MAD), arXiv 2403.17844, section 3.1 (noisy in-context recall)")
class NoisyRecall(Generated):
    """Keys, each followed by the value that it has in this row, and with some probability two tokens of noise instead.

    Every row gives each key a value at random. Where a key has come before, its value is asked. Noise is of symbols of
    its own.

    length: tokens in a row, an even number; the last two are a key that has come before and its value. keys, values:
    how many different ones. noise: share of the pairs that are noise instead; 0 is MAD's plain recall.
    noise_symbols: different ones. held_out: validation rows, and test rows.

    Raises ValueError for an odd length, or one without room for a key that comes twice.
    """

    length: int
    provides = frozenset({"scored tokens"})
    needs = (Need("model.embedding", "tokens", "keys and values come as tokens"),)

    def __init__(
        self,
        seed: int = 0,
        *,
        length: PositiveInt = 128,
        keys: PositiveInt = 8,
        values: PositiveInt = 8,
        noise: Probability = 0.2,
        noise_symbols: PositiveInt = 16,
        batch_size: PositiveInt = 32,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        if length % 2 or length < 4:
            raise ValueError(f"data.length is {length}: it has to be even, and 4 at least")
        self.length, self.keys, self.values, self.noise, self.noisy = length, keys, values, noise, noise_symbols
        kinds = (("k", keys), ("v", values), ("n", noise_symbols))
        self.symbols = tuple(f"{letter}{i}" for letter, count in kinds for i in range(count))

    def make(self, dice: Dice, split: str) -> Arrays:
        slots, b = self.length // 2, len(dice)
        value_of, keys = dice.whole(self.values, self.keys), dice.whole(self.keys, slots)
        is_noise = dice.uniform(slots) < self.noise
        noise = self.keys + self.values + dice.whole(self.noisy, slots, 2)
        # one pair is never noise, so that there is a key to ask for at the end; it is drawn from all there are
        np.put_along_axis(is_noise, dice.whole(slots - 1, 1), False, axis=1)
        is_noise[:, -1] = False
        keys[:, -1] = _one_of(keys[:, :-1], ~is_noise[:, :-1], dice)
        pairs = np.stack([keys, self.keys + np.take_along_axis(value_of, keys, axis=1)], axis=2)
        tokens = np.where(is_noise[:, :, None], noise, pairs).reshape(b, self.length)
        again = seen_before(keys, ~is_noise) & ~is_noise
        scored = np.stack([again, np.zeros_like(again)], axis=2).reshape(b, self.length)
        return {"tokens": tokens, "targets": np.roll(tokens, -1, axis=1), "scored": scored}

    def options(self) -> Mapping[str, Any]:
        return {
            "length": self.length,
            "keys": self.keys,
            "values": self.values,
            "noise": self.noise,
            "noise_symbols": self.noisy,
        }


def seen_before(keys: Whole, real: Any) -> Any:
    """Where a key has come before in its row; only those that are real count. keys, real: [b s] -> bool [b s]."""
    same = (keys[:, :, None] == keys[:, None, :]) & real[:, None, :]
    return np.tril(same, -1).any(axis=2)


def _one_of(keys: Whole, real: Any, dice: Dice) -> Whole:
    """One of the different keys that are really there, all equally likely. keys, real: [b s] -> [b]."""
    first = real & ~seen_before(keys, real)
    lots = np.where(first, dice.uniform(keys.shape[1]), -1.0)
    found: Whole = np.take_along_axis(keys, lots.argmax(axis=1)[:, None], axis=1)[:, 0]
    return found
