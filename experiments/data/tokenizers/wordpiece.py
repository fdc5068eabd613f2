"""Words and pieces of words, as BERT reads them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

from annotated_types import Ge, Le

from experiments.data.tokenizers.base import Specials, special_names
from experiments.data.tokenizers.learned import UNKNOWN, Learned, LossyLearner
from registry import part


@part("tokenizer", "wordpiece", paper="Wu et al. 2016, arXiv 1609.08144; as in BERT, arXiv 1810.04805")
class WordPiece(LossyLearner):
    """Each word is cut into the longest pieces of the vocabulary from its start; a piece within a word begins with ##.

    White space parts words and every punctuation mark is one, so a text cannot be had back from its tokens, and bits
    per byte is left out of the metrics. A word with a character that has no piece is <unk>.
    Read back, pieces are joined to words, with a space between, but none before a full stop or comma.

    vocab: the most tokens that there are, <unk> and special ones included. At most a quarter are single characters.
    lower: whether capitals become small letters, and accents are taken off.
    """

    def __init__(
        self, specials: Specials = 0, *, vocab: Annotated[int, Ge(64), Le(1_000_000)] = 4096, lower: bool = False
    ) -> None:
        self.names = special_names(specials)
        self.specials = len(self.names)
        self.vocab = vocab
        self._learned = Learned(vocab - self.specials, partial(train, lower), {"kind": "wordpiece", "lower": lower})


def train(lower: bool, lines: Iterator[str], words: int) -> Any:
    """The library's tokenizer with at most so many tokens."""
    from tokenizers import Tokenizer as Inner
    from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

    inner = Inner(models.WordPiece(unk_token=UNKNOWN))
    inner.normalizer = normalizers.BertNormalizer(lowercase=lower)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece()
    # each character may need a piece at the start of a word and one within
    alphabet = max(words // 8, 16)
    trainer = trainers.WordPieceTrainer(
        vocab_size=words, special_tokens=[UNKNOWN], limit_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator(lines, trainer)
    return inner
