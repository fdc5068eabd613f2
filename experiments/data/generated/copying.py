"""Copying: symbols are to be repeated."""

from __future__ import annotations

from experiments.data.generated.dice import Whole
from experiments.data.generated.prompted import GivenBack
from registry import Need, part
from registry.types import PositiveInt


@part("data", "copy", paper="Jelassi et al. 2024 (Repeat After Me), arXiv 2402.01032, section 2; Graves et al. 2014")
class Copy(GivenBack):
    """Random symbols, a separator, and the same symbols again: x1 ... xk <sep> x1 ... xk, each predicted in its turn.

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
        return shown
