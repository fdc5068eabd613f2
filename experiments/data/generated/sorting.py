"""Sorting: symbols are to be given back in their order."""

from __future__ import annotations

import numpy as np

from experiments.data.generated.dice import Whole
from experiments.data.generated.prompted import GivenBack
from registry import Need, part
from registry.types import PositiveInt


@part("data", "sorting", paper="Tay et al. 2020 (Sparse Sinkhorn Attention), arXiv 2002.11296, section 5.1")
class Sorting(GivenBack):
    """Random symbols, a separator, and the same symbols sorted: c a b a <sep> a a b c.

    symbols: how many; a row has twice as many tokens. shortest: in training any number from this on is drawn for each
    row. test_symbols: how many in the test split, to see whether longer ones work too. alphabet: different symbols.
    held_out: validation rows, and test rows.
    """

    provides = frozenset({"scored tokens"})
    needs = (Need("model.embedding", "tokens", "symbols come as tokens"),)

    def __init__(
        self,
        seed: int = 0,
        *,
        symbols: PositiveInt = 32,
        shortest: PositiveInt | None = None,
        test_symbols: PositiveInt | None = None,
        alphabet: PositiveInt = 16,
        batch_size: PositiveInt = 32,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, symbols, shortest, test_symbols, alphabet, batch_size, held_out)

    def answer(self, shown: Whole, lengths: Whole) -> Whole:
        inside = np.arange(shown.shape[1]) < lengths[:, None]
        # what is not shown sorts behind all that is
        return np.sort(np.where(inside, shown, self.alphabet), axis=1)
