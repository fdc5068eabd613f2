"""Characters as tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from experiments.data.tokenizers.base import Specials, special_names
from experiments.data.tokenizers.learned import UNKNOWN, Learned, LossyLearner
from registry import part


@part("tokenizer", "characters")
class Characters(LossyLearner):
    """Each character (code point) is a token; any that is not among the commonest of the training text is <unk>.

    A text with such characters cannot be had back from its tokens, so bits per byte is left out of the metrics.

    vocab: tokens in all, <unk> and special ones included: the commonest characters have a place.
    """

    def __init__(self, specials: Specials = 0, *, vocab: Annotated[int, Ge(8), Le(1_000_000)] = 256) -> None:
        self.names = special_names(specials)
        self.specials = len(self.names)
        self.vocab = vocab
        self._learned = Learned(vocab - self.specials, train, {"kind": "characters"})
        self._ids = np.zeros(0, dtype=np.int32)

    def encode(self, text: bytes) -> np.ndarray:
        # not by the library, which keeps a record of every character of a long text
        points = np.frombuffer(text.decode().encode("utf-32-le"), dtype="<u4")
        table = self._table()
        known = np.minimum(points, len(table) - 1)
        return np.where(points < len(table), table[known], 0).astype(np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self._learned.word(i) for i in ids if 0 < i < self._learned.words)

    def load(self, folder: Path) -> bool:
        self._ids = np.zeros(0, dtype=np.int32)
        return self._learned.load(folder)

    def _table(self) -> np.ndarray:
        """The id of each code point, 0 for one that has none."""
        if not len(self._ids):
            known = {ord(word): i for word, i in self._learned.inner.get_vocab().items() if word != UNKNOWN}
            self._ids = np.zeros(max(known, default=0) + 1, dtype=np.int32)
            self._ids[list(known)] = list(known.values())
        return self._ids


def train(lines: Iterator[str], words: int) -> Any:
    """The library's tokenizer with at most so many tokens."""
    from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
    from tokenizers import Tokenizer as Inner

    inner = Inner(models.WordLevel(unk_token=UNKNOWN))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    inner.decoder = decoders.Fuse()
    inner.train_from_iterator(
        lines, trainers.WordLevelTrainer(vocab_size=words, special_tokens=[UNKNOWN], show_progress=False)
    )
    return inner
