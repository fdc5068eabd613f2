"""Compression: a whole row is to be found in its last vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice
from experiments.data.generated.prompted import letters
from registry import Need, part
from registry.types import PositiveInt


@part("data", "compression", paper="Poli et al. 2024 (MAD), arXiv 2403.17844, section 3.1 (compression)")
class Compression(Generated):
    """Random symbols and a sign at the end, `c a b <end>`: all of them are to be told from the vector of the sign.

    For a head that rebuilds the tokens: `reconstruction`. The targets are the tokens themselves.

    length: tokens in a row, the sign included. alphabet: different symbols. held_out: validation rows, and test rows.

    Raises ValueError for a row of the sign alone.
    """

    length: int
    provides = frozenset({"tokens to rebuild"})
    needs = (Need("model.embedding", "tokens", "symbols come as tokens"),)

    def __init__(
        self,
        seed: int = 0,
        *,
        length: PositiveInt = 32,
        alphabet: PositiveInt = 15,
        batch_size: PositiveInt = 32,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        if length < 2:
            raise ValueError("data.length is 1: there is nothing in front of the sign")
        self.length, self.alphabet = length, alphabet
        self.symbols = (*letters(alphabet), "<end>")

    def shape(self) -> Mapping[str, int]:
        return {"head.length": self.length}

    def make(self, dice: Dice, split: str) -> Arrays:
        tokens = dice.whole(self.alphabet, self.length)
        tokens[:, -1] = self.alphabet
        scored = np.broadcast_to(np.arange(self.length) < self.length - 1, tokens.shape)
        return {"tokens": tokens, "targets": tokens, "scored": scored}

    def options(self) -> Mapping[str, Any]:
        return {"length": self.length, "alphabet": self.alphabet}
