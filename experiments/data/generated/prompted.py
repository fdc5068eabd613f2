"""Rows that are a question, a separator, and the answer, which is predicted token by token."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice, Whole
from registry.types import PositiveInt


def prompted(question: Whole, answer: Whole, lengths: Whole, answers: Whole, filler: int) -> Arrays:
    """Of each row so many tokens of its question, then of its answer; the longest row possible ends one short.

    Each token of the answer is a target where the token before it stands: the separator, which ends the question, or
    the answer's own. Behind the answer there is filler, which a causal model never sees before it is done.

    question: [b p]; answer: [b a]; lengths, answers: [b], how many tokens of each there are.
    Returns tokens, targets, scored: [b p+a-1].
    """
    place, first = np.arange(question.shape[1] + answer.shape[1]), lengths[:, None]
    end = first + answers[:, None]
    whole = np.full((len(question), len(place)), filler, dtype=np.int64)
    behind = (place >= first) & (place < end)
    whole[place < first] = question[np.arange(question.shape[1]) < first]
    whole[behind] = answer[np.arange(answer.shape[1]) < answers[:, None]]
    return {"tokens": whole[:, :-1], "targets": whole[:, 1:], "scored": behind[:, 1:]}


def lengths_of(dice: Dice, shortest: int | None, longest: int, split: str) -> Whole:
    """How long each row is, [b]: in training any length from the shortest on, if there is one, else the longest."""
    if split == "train" and shortest is not None:
        return dice.between(min(shortest, longest), longest)
    return np.full(len(dice), longest, dtype=np.int64)


def turned(tokens: Whole, lengths: Whole) -> Whole:
    """The first so many tokens of each row backwards, the others where they are. [b k], [b] -> [b k]."""
    place, last = np.arange(tokens.shape[1]), lengths[:, None] - 1
    return np.take_along_axis(tokens, np.where(place <= last, last - place, place), axis=1)


def letters(count: int) -> list[str]:
    """Names of so many symbols: a, b, c ... or s0, s1, s2 ... where the alphabet does not reach."""
    return [chr(97 + i) for i in range(count)] if count <= 26 else [f"s{i}" for i in range(count)]


class GivenBack(Generated):
    """Symbols are shown, and after a separator they are to be given back in some order.

    Symbols are the numbers below `alphabet`; the next number is the separator, the one behind it the filler.
    """

    length: int

    def __init__(
        self,
        seed: int,
        symbols: PositiveInt,
        shortest: PositiveInt | None,
        test_symbols: PositiveInt | None,
        alphabet: PositiveInt,
        batch_size: PositiveInt,
        held_out: PositiveInt,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        self.shown, self.shortest, self.shown_in_test = symbols, shortest, test_symbols or symbols
        self.alphabet = alphabet
        self.length = 2 * max(self.shown, self.shown_in_test)
        self.symbols = (*letters(alphabet), "<sep>", "<pad>")

    @abstractmethod
    def answer(self, shown: Whole, lengths: Whole) -> Whole:
        """What is to be given back of the first so many symbols of each row. [b k], [b] -> [b k]."""

    def make(self, dice: Dice, split: str) -> Arrays:
        longest = self.shown_in_test if split == "test" else self.shown
        lengths = lengths_of(dice, self.shortest, longest, split)
        shown = dice.whole(self.alphabet, longest)
        question = np.pad(shown, ((0, 0), (0, 1)))
        question[np.arange(len(shown)), lengths] = self.alphabet
        return prompted(question, self.answer(shown, lengths), lengths + 1, lengths, self.alphabet + 1)

    def options(self) -> Mapping[str, Any]:
        return {
            "symbols": self.shown,
            "shortest": self.shortest,
            "test_symbols": self.shown_in_test,
            "alphabet": self.alphabet,
        }
