"""Whole words as tokens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

from annotated_types import Ge, Le

from experiments.data.tokenizers.base import Specials, special_names
from experiments.data.tokenizers.learned import UNKNOWN, Learned, LossyLearner
from registry import part


@part("tokenizer", "words")
class Words(LossyLearner):
    """Words and runs of punctuation marks, parted by white space; any that is not among the commonest is <unk>.

    A text cannot be had back from its tokens, only its words with a space between, so bits per byte is left out of the
    metrics.

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
