"""Pairs of bytes merged by how often they occur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from annotated_types import Ge, Le

from experiments.data.tokenizers.base import Specials, special_names
from experiments.data.tokenizers.byte_level import on_bytes, pieces_of, sizes_of
from experiments.data.tokenizers.learned import Learned, Learner
from registry import part


@part("tokenizer", "bpe", paper="Sennrich et al. 2016, arXiv 1508.07909; on bytes as in GPT-2")
class BytePairs(Learner):
    """Byte-pair encoding on bytes, trained once on the training text and kept in a cache by the hash of that text."""

    def __init__(self, specials: Specials = 0, *, vocab: Annotated[int, Ge(260), Le(1_000_000)] = 1024) -> None:
        self.names = special_names(specials)
        self.specials = len(self.names)
        self.vocab = vocab
        self._learned = Learned(vocab - self.specials, train, {"kind": "bpe"})

    def sizes(self) -> list[int]:
        return sizes_of(self._learned, self.vocab)

    def pieces(self, ids: Iterable[int]) -> list[bytes | None]:
        return pieces_of(self._learned, ids)


def train(lines: Iterator[str], words: int) -> Any:
    """The library's tokenizer with so many tokens."""
    from tokenizers import Tokenizer as Inner
    from tokenizers import models, pre_tokenizers, trainers

    inner = on_bytes(Inner(models.BPE()))
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        lines, trainers.BpeTrainer(vocab_size=words, initial_alphabet=alphabet, show_progress=False)
    )
    return inner
