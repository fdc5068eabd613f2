"""What predicts text without a network: a compressor, counts of bytes, the commonest token, the commonest answer."""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from experiments.cli.specs import find_spec
from experiments.data import CorruptedText, LabelledText, MaskedText, Text, TextToText
from experiments.data.base import Data
from experiments.making import make_data
from experiments.results.plan import Reference
from registry.load import load

METRIC = "test/bits_per_byte"
STRENGTHS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)


def xz() -> list[Reference]:
    """`xz -9`, which gets to know a text while it compresses it: the test text alone, and behind the training text.

    Behind the training text: how many bytes more than that alone. The dictionary of -9 (64 MiB) holds all of it.
    """
    text = Text(0, corpus="addresses")
    train, test = text.raw("train"), text.raw("test")
    alone, behind = compressed(test), compressed(train + test) - compressed(train)
    return [
        Reference("xz", METRIC, 8 * alone / len(test), "xz -9 of the test text alone"),
        Reference("xz after training text", METRIC, 8 * behind / len(test), "xz -9 of both, less that of training"),
    ]


def compressed(text: bytes) -> int:
    """How many bytes `xz -9` makes of a text."""
    return len(lzma.compress(text, preset=9))


def ngrams() -> list[Reference]:
    """Interpolated n-grams of bytes: five bytes of context; four (a 5-gram, as others count); and eight."""
    return [ngram(order) for order in (5, 4, 8)]


@cache
def ngram(order: int) -> Reference:
    """A model with so many bytes of context, trained on the training text, its strength chosen on the validation."""
    text = Text(0, corpus="addresses")
    train, valid, test = (np.frombuffer(text.raw(split), dtype=np.uint8) for split in ("train", "valid", "test"))
    model = Ngram.of(train, order)
    strength = min(STRENGTHS, key=lambda strength: model.bits_per_byte(valid, strength))
    words = f"order {order}: {order} bytes of context, interpolated (Witten and Bell 1991), strength {strength:g}"
    return Reference(f"n-gram of order {order}", METRIC, model.bits_per_byte(test, strength), words)


@dataclass(frozen=True)
class Ngram:
    """Counts of bytes behind contexts of 0, 1, ... bytes.

    p(byte | context) = (count(context, byte) + s kinds(context) p(byte | context less its first byte)) /
    (count(context) + s kinds(context)), kinds being how many different bytes were seen behind the context, and s the
    strength: 1 in Witten and Bell 1991, IEEE Transactions on Information Theory 37, method C. Behind the empty context
    stands an even distribution over all 256 bytes.
    """

    counts: Sequence[Counts]

    @classmethod
    def of(cls, text: np.ndarray, order: int) -> Ngram:
        """text: uint8 [n], ASCII. Raises ValueError for another text, and for an order above 8."""
        if order > 8 or int(text.max()) > 127:
            raise ValueError("contexts of at most 8 bytes, all of them ASCII, fit into a number of 64 bits")
        return cls([Counts.of(text, length) for length in range(order + 1)])

    def bits_per_byte(self, text: np.ndarray, strength: float) -> float:
        """Mean of -log2 p over every byte but the first, which a language model does not predict either."""
        return float(-np.log2(self.chances(text, strength)[1:]).mean())

    def chances(self, text: np.ndarray, strength: float) -> np.ndarray:
        """p of each byte of the text from those before it, [n]; the first ones have shorter contexts."""
        found = np.full(len(text), 1 / 256)
        for length, counts in enumerate(self.counts):
            of_both, of_context, kinds = counts.look_up(codes(text, length + 1))
            shorter = found[length:]
            weight = strength * kinds
            there = (of_both + weight * shorter) / np.maximum(of_context + weight, 1e-300)
            found[length:] = np.where(of_context > 0, there, shorter)
        return found


@dataclass(frozen=True)
class Counts:
    """How often each context, and each context with the byte behind it, was seen; sorted by their codes."""

    both: np.ndarray
    times: np.ndarray
    contexts: np.ndarray
    sums: np.ndarray
    kinds: np.ndarray

    @classmethod
    def of(cls, text: np.ndarray, length: int) -> Counts:
        """length: of the contexts."""
        both, times = np.unique(codes(text, length + 1), return_counts=True)
        contexts, first, kinds = np.unique(both >> BITS, return_index=True, return_counts=True)
        return cls(both, times, contexts, np.add.reduceat(times, first), kinds)

    def look_up(self, both: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of contexts with the byte behind them: how often they were seen, how often the contexts, and their kinds."""
        contexts = both >> BITS
        return (
            _found(self.both, self.times, both),
            _found(self.contexts, self.sums, contexts),
            _found(self.contexts, self.kinds, contexts),
        )


BITS = np.uint64(7)
"""Of a byte of the shipped texts, which are ASCII: nine of them fit into a code."""


def codes(text: np.ndarray, length: int) -> np.ndarray:
    """One number for every `length` neighbouring bytes of a text, [n - length + 1]."""
    count = len(text) - length + 1
    code = np.zeros(count, dtype=np.uint64)
    for place in range(length):
        code = (code << BITS) | text[place : place + count].astype(np.uint64)
    return code


def _found(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The values of the wanted keys, 0 where there is none. keys: sorted."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], 0)


def masked() -> list[Reference]:
    """The commonest token, the frequencies of tokens and the commoner answer, on what the recipe `bert` hides."""
    return _simple("recipes/bert")


def masked_definitions() -> list[Reference]:
    """The same on what the recipe `bert-dictionary` hides."""
    return _simple("recipes/bert-dictionary")


def spans() -> list[Reference]:
    """The commonest token and the frequencies of tokens, on the tokens of text that the recipe `t5` drops."""
    return _simple("recipes/t5")


def text_to_text() -> list[Reference]:
    """The commonest class, and the source copied, on the tables of the recipe `t5-text-to-text`."""
    return _simple("recipes/t5-text-to-text")


def _simple(spec: str) -> list[Reference]:
    """What the data of a recipe say of their test split without a model."""
    data = _data(spec)
    assert isinstance(data, MaskedText | CorruptedText | TextToText)
    return data.simple("test")


def few_labels() -> list[Reference]:
    """Logistic regression on tf-idf of words, from the rows that the recipe `bert-classify` may see, and from all."""
    data = _data("recipes/bert-classify")
    assert isinstance(data, LabelledText)
    assert data.train_rows is not None
    few, every = (_tf_idf(data, rows) for rows in (data.train_rows, len(data.tables["train"])))
    words = "logistic regression on tf-idf of words from {} rows, its penalty chosen on valid"
    return [
        Reference("tf-idf", "test/accuracy", few, words.format(data.train_rows)),
        Reference("tf-idf, all rows", "test/accuracy", every, words.format("all")),
    ]


def _tf_idf(data: LabelledText, rows: int) -> float:
    """Accuracy on the test table of a model learned from the first rows of the training table."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    text, label = data.columns
    vectors = TfidfVectorizer(sublinear_tf=True)
    train = data.tables["train"].first(rows).columns
    known = vectors.fit_transform(train[text])
    valid, test = (data.tables[split].columns for split in ("valid", "test"))
    models = [LogisticRegression(C=c, max_iter=2000).fit(known, train[label]) for c in (1.0, 3.0, 10.0, 30.0, 100.0)]
    best = max(models, key=lambda model: model.score(vectors.transform(valid[text]), valid[label]))
    return float(best.score(vectors.transform(test[text]), test[label]))


def _data(spec: str) -> Data:
    loaded = load(find_spec(spec))
    return make_data(loaded.full, loaded.catalog)
