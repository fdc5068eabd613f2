"""Texts of one sentence a line, an empty line between documents, as token ids."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.data.errors import BadData
from experiments.data.tokenizers import Tokenizer

Ids = np.ndarray
"""Token ids, int [n]."""


@dataclass(frozen=True)
class Documents:
    """Every sentence of a text, each encoded by itself.

    ids: int [n], all sentences one after the other. ends: int [s + 1], where each sentence ends in `ids`, behind a 0.
    first: int [d + 1], the first sentence of each document, and behind the last one the number of sentences.
    """

    ids: Ids
    ends: np.ndarray
    first: np.ndarray

    @classmethod
    def read(cls, path: Path | str, content: bytes, tokenizer: Tokenizer) -> Documents:
        """Raises BadData where there is no sentence."""
        sentences: list[Ids] = []
        first = [0]
        for line in content.replace(b"\r\n", b"\n").split(b"\n"):
            line = line.strip()
            if line:
                sentences.append(tokenizer.encode(line))
            elif first[-1] < len(sentences):
                first.append(len(sentences))
        if not sentences:
            raise BadData(path, "there is no sentence: one a line is expected, and an empty line between documents")
        if first[-1] < len(sentences):
            first.append(len(sentences))
        ends = np.concatenate([[0], np.cumsum([len(sentence) for sentence in sentences])])
        return cls(np.concatenate(sentences).astype(np.int64), ends, np.array(first))

    def __len__(self) -> int:
        """How many documents there are."""
        return len(self.first) - 1

    @property
    def sentences(self) -> int:
        return len(self.ends) - 1

    def sentence(self, number: int) -> Ids:
        return self.span(number, number + 1)

    def span(self, start: int, end: int) -> Ids:
        """The sentences from `start` up to `end`, without it."""
        return self.ids[self.ends[start] : self.ends[end]]

    def tokens(self, start: int, end: int) -> int:
        """How many tokens these sentences have."""
        return int(self.ends[end] - self.ends[start])

    def document(self, sentence: int) -> int:
        """The number of the document that a sentence is in."""
        return int(np.searchsorted(self.first, sentence, side="right")) - 1
