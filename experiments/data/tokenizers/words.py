"""Whole words as tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from experiments.data.tokenizers.base import Specials, Tokenizer, special_names
from experiments.data.tokenizers.learned import UNKNOWN, Learned
from registry import part


@part("tokenizer", "words")
class Words(Tokenizer):
    """Words and runs of punctuation marks, parted by white space; any that is not among the commonest is <unk>.

    A text cannot be had back from its tokens, so bits per byte is left out of the metrics.

    vocab: tokens in all, <unk> and special ones included: the commonest words of the training text have a place.
    lower: whether capitals become small letters.
    """

    def __init__(
        self, specials: Specials = 0, *, vocab: Annotated[int, Ge(8), Le(1_000_000)] = 8192, lower: bool = False
    ) -> None:
        self.names = special_names(specials)
        self.specials = len(self.names)
        self.vocab = vocab
        self._learned = Learned(vocab - self.specials, partial(train, lower), {"kind": "words", "lower": lower})

    def fit(self, texts: Sequence[bytes]) -> None:
        self._learned.fit(texts)

    def identity(self) -> str:
        return self._learned.identity()

    def encode(self, text: bytes) -> np.ndarray:
        return self._learned.encode(text)

    def decode(self, ids: Iterable[int]) -> str:
        """Words with a space between."""
        return self._learned.decode(ids)

    def sizes(self) -> list[int]:
        return [0] * self.vocab

    def pieces(self, ids: Iterable[int]) -> list[bytes | None]:
        special = self.special_ids()
        return [None if i in special else self._learned.word(i).encode() for i in ids]

    def special_ids(self) -> Mapping[int, str]:
        return {0: UNKNOWN, **super().special_ids()}

    def save(self, folder: Path) -> None:
        self._learned.save(folder)

    def load(self, folder: Path) -> bool:
        return self._learned.load(folder)


def train(lower: bool, lines: Iterator[str], words: int) -> Any:
    """The library's tokenizer with at most so many tokens."""
    from tokenizers import Tokenizer as Inner
    from tokenizers import models, normalizers, pre_tokenizers, trainers

    inner = Inner(models.WordLevel(unk_token=UNKNOWN))
    if lower:
        inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.train_from_iterator(
        lines, trainers.WordLevelTrainer(vocab_size=words, special_tokens=[UNKNOWN], show_progress=False)
    )
    return inner
