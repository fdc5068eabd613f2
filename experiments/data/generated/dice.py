"""Random numbers of many rows at once, those of each row following from its own seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]


class Dice:
    """A generator for each row: every draw gives all rows an array of the same shape, [b *shape].

    A row is the same in whatever batch it comes, since its generator depends on its seed and the stream alone.
    stream: tells the splits apart, so that no two of them share a row by sharing a seed.
    """

    def __init__(self, seeds: Sequence[int], stream: int) -> None:
        # keyed without the hashing of a SeedSequence, which would cost more than the draws
        self.rows = [np.random.Generator(np.random.Philox(key=[seed, stream])) for seed in seeds]

    def __len__(self) -> int:
        return len(self.rows)

    def uniform(self, *shape: int) -> Numbers:
        """From 0 up to, not including, 1."""
        return np.stack([row.random(shape) for row in self.rows])

    def normal(self, *shape: int) -> Numbers:
        """Standard normal."""
        return np.stack([row.standard_normal(shape) for row in self.rows])

    def whole(self, below: int, *shape: int) -> Whole:
        """Whole numbers from 0 up to, not including, `below`."""
        return np.asarray(self.uniform(*shape) * below, dtype=np.int64)

    def between(self, least: int, most: int, *shape: int) -> Whole:
        """Whole numbers from `least` to `most`, both included."""
        return least + self.whole(most - least + 1, *shape)

    def chosen(self, of: int, count: int, shares: Sequence[float] | Numbers | None = None) -> Whole:
        """`count` different numbers below `of` in random order, [b count]; one after the other by these shares.

        By an exponential race: the runner with rate p is the first of those left with probability p / sum of rates.
        """
        race = -np.log1p(-self.uniform(of)) / (1.0 if shares is None else np.asarray(shares))
        order: Any = np.argsort(race, axis=1, kind="stable")[:, :count]
        return np.asarray(order, dtype=np.int64)
