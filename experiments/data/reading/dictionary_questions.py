"""Questions made from the shipped dictionary: which of these words is of this kind?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from experiments.data.files import Table
from experiments.data.loader import Batch, Rows, seeded
from experiments.data.reading.asked import Asked, batch_of, ids_of, piece_sizes, tokens_of
from experiments.data.tokenizers import Tokenizer

COLUMNS = ("label", "word", "text")


def question(label: str) -> str:
    return f"which is {'an' if label[0] in 'aeiou' else 'a'} {label}?"


def entry(word: str, text: str) -> str:
    """As it stands in a context, after another entry or before it."""
    return f" {word}: {text}."


@dataclass(frozen=True)
class Drawn:
    """A question: the rows of the dictionary in its context, in order, and which of them has the class."""

    rows: Sequence[int]
    right: int


class DictionaryQuestions(Rows):
    """Each entry once the answer among others of other classes, drawn by the seed in its key, in a drawn order.

    An entry's class is in the question; no other entry of the context has it. Key: (row, seed). entries: in a context.
    length: the most tokens in a row; longer definitions are cut so that every context fits.
    """

    def __init__(self, table: Table, tokenizer: Tokenizer, entries: int, length: int) -> None:
        self.tokenizer, self.entries = tokenizer, entries
        self.labels, self.words, texts = (table.columns[name] for name in COLUMNS)
        self.questions = {label: ids_of(tokenizer, question(label)) for label in sorted(set(self.labels))}
        room = (length - 3 - max(map(len, self.questions.values()))) // entries
        self.ids, self.last, self.cut = [], [], 0
        sizes = piece_sizes(tokenizer)
        for word, text in zip(self.words, texts, strict=True):
            whole = entry(word, text)
            ids = ids_of(tokenizer, whole)
            self.last.append(min(tokens_of(whole, ids, sizes, 1, word)[1], room - 1))
            self.ids.append(ids[:room])
            self.cut += len(ids) > room

    def __len__(self) -> int:
        return len(self.ids)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        order = torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)
        return seeded(order, shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """As `asked.batch_of`; rows: [b]."""
        asked = [self._asked(self.drawn(row, seed)) for row, seed in keys.tolist()]
        return {**batch_of(asked, self.tokenizer), "rows": keys[:, 0]}

    def answer(self, row: int) -> str:
        return self.words[row]

    def drawn(self, row: int, seed: int) -> Drawn:
        dice, others = torch.Generator().manual_seed(seed), set[int]()
        while len(others) < self.entries - 1:
            for other in torch.randint(len(self), (2 * self.entries,), generator=dice).tolist():
                if self.labels[other] != self.labels[row] and len(others) < self.entries - 1:
                    others.add(other)
        rows = [row, *sorted(others)]
        order = torch.randperm(len(rows), generator=dice).tolist()
        return Drawn([rows[i] for i in order], order.index(0))

    def _asked(self, drawn: Drawn) -> Asked:
        context: list[int] = []
        first = 0
        for place, row in enumerate(drawn.rows):
            first = len(context) if place == drawn.right else first
            context += self.ids[row]
        row = drawn.rows[drawn.right]
        return Asked(self.questions[self.labels[row]], context, first, first + self.last[row])
