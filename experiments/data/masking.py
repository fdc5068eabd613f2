"""Which tokens of a row a masked language model has to tell, and what it reads in their place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.data.documents import Ids
from experiments.data.tokenizers import Tokenizer


@dataclass(frozen=True)
class Masking:
    """Devlin et al. 2018, arXiv 1810.04805, section 3.1 and appendix A.1; create_masked_lm_predictions of the authors.

    share: of the row's tokens, special ones counted, that are chosen; at least one is. Of these 80 % become `mask`,
    10 % a token of text drawn evenly, and 10 % stay. text: bool [v], which tokens are such; special ones are never
    chosen. whole: choose words, all of their tokens, while they fit into the share.
    """

    share: float
    mask: int
    text: np.ndarray
    whole: Edges | None = None

    def choose(self, ids: Ids, rng: np.random.Generator) -> np.ndarray:
        """Where the tokens stand that are chosen: bool [n]."""
        count = max(1, round(len(ids) * self.share))
        text = np.flatnonzero(self.text[ids])
        chosen = np.zeros(len(ids), dtype=bool)
        if self.whole is None:
            chosen[rng.permutation(text)[:count]] = True
            return chosen
        words = self.whole.words(ids, text)
        for number in rng.permutation(len(words)):
            if len(words[number]) <= count:
                chosen[words[number]] = True
                count -= len(words[number])
        return chosen

    def replace(self, ids: Ids, chosen: np.ndarray, rng: np.random.Generator) -> Ids:
        """The row as it is read."""
        read = ids.copy()
        draw = rng.random(len(ids))
        read[chosen & (draw < 0.8)] = self.mask
        drawn = chosen & (draw >= 0.9)
        read[drawn] = rng.choice(np.flatnonzero(self.text), size=int(drawn.sum()))
        return read


def are_text(tokenizer: Tokenizer) -> np.ndarray:
    """bool [v]: which tokens stand for text; the others are special."""
    special = tokenizer.special_ids()
    return np.array([i not in special for i in range(tokenizer.vocab)])


@dataclass(frozen=True)
class Edges:
    """Whether each token of a vocabulary begins and ends with a letter or a digit: bool [v] each."""

    begins: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Edges:
        pieces = [piece or b" " for piece in tokenizer.pieces(range(tokenizer.vocab))]
        return cls(*(np.array([_in_word(piece[place]) for piece in pieces]) for place in (0, -1)))

    def words(self, ids: Ids, text: np.ndarray) -> list[np.ndarray]:
        """The places `text` of tokens in ids [n], parted into words: neighbours whose letters or digits touch."""
        if not len(text):
            return []
        tokens = ids[text]
        touch = self.ends[tokens[:-1]] & self.begins[tokens[1:]] & (np.diff(text) == 1)
        return np.split(text, np.flatnonzero(~touch) + 1)


def _in_word(byte: int) -> bool:
    """Whether a byte of UTF-8 belongs to a word: a letter, a digit, or beyond ASCII."""
    return byte >= 0x80 or chr(byte).isalnum()
