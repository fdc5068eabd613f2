"""What needs no training of a network to translate: copying, a dictionary word by word, the nearest sentence."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from experiments.data import ParallelText
from experiments.results.plan import Reference
from experiments.tasks.translation import overlap

ROUNDS = 5
"""Of expectation and maximisation for the dictionary."""

_WORD = re.compile(r"\w+|[^\w\s]")
_JOINED = re.compile(r" ([.,;:!?)\]])|([¿¡(\[]) ")


def bible() -> list[Reference]:
    """English to Spanish."""
    return references(ParallelText(corpus="bible", source="en", target="es"))


def interface() -> list[Reference]:
    """English to German."""
    return references(ParallelText(corpus="interface", source="en", target="de"))


def references(data: ParallelText, split: str = "test") -> list[Reference]:
    """BLEU and chrF of each on a split."""
    (train_source, train_target), (source, target) = sides(data, "train"), sides(data, split)
    table = dictionary(train_source, train_target)
    found = {
        "copy of the source": (source, "the source as it is"),
        "dictionary": (
            [word_by_word(text, table) for text in source],
            f"each word's likeliest translation by IBM model 1 on the training pairs, {ROUNDS} rounds",
        ),
        "nearest neighbour": (
            nearest(train_source, train_target, source),
            "the translation of the training source that is nearest by the cosine of its words' tf-idf",
        ),
    }
    return [
        Reference(label, f"{split}/{metric}", value, about)
        for label, (texts, about) in found.items()
        for metric, value in overlap(list(zip(texts, target, strict=True))).items()
    ]


def sides(data: ParallelText, split: str) -> tuple[Sequence[str], Sequence[str]]:
    """Source and target texts."""
    table = data.tables[split]
    source, target = (table.columns[name] for name in data.columns)
    return source, target


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def dictionary(source: Sequence[str], target: Sequence[str]) -> dict[str, str]:
    """The likeliest target word of each source word in small letters: argmax t(f | e) of IBM model 1.

    t(f | e) is made of the expected counts of f with e, each target word being shared among the words of its source by
    t(f | e) / sum over e' of t(f | e') (Brown et al. 1993, section 4.1).
    """
    vocabularies: tuple[dict[str, int], dict[str, int]] = ({}, {})
    pairs = []
    for texts in zip(source, target, strict=True):
        ids = [
            [vocabulary.setdefault(word, len(vocabulary)) for word in words(text.lower())]
            for vocabulary, text in zip(vocabularies, texts, strict=True)
        ]
        pairs.append((np.array(ids[0]), np.array(ids[1])))
    # one entry for each word pair that ever meets
    width = len(vocabularies[1])
    met = [(e[:, None] * width + f[None, :]).ravel() for e, f in pairs]
    keys, inverse = np.unique(np.concatenate(met), return_inverse=True)
    places = np.split(inverse, np.cumsum([len(m) for m in met])[:-1])
    chance = np.ones(len(keys))
    for _ in range(ROUNDS):
        counts = np.zeros(len(keys))
        for (e, f), where in zip(pairs, places, strict=True):
            grid = chance[where].reshape(len(e), len(f))
            np.add.at(counts, where, (grid / grid.sum(0)).ravel())
        totals = np.bincount(keys // width, weights=counts, minlength=len(vocabularies[0]))
        chance = counts / totals[keys // width]
    best: dict[int, tuple[float, int]] = {}
    for key, p in zip(keys.tolist(), chance.tolist(), strict=True):
        e, f = divmod(key, width)
        best[e] = max(best.get(e, (0.0, 0)), (p, f))
    names = [list(vocabulary) for vocabulary in vocabularies]
    return {names[0][e]: names[1][f] for e, (_, f) in best.items()}


def word_by_word(text: str, table: dict[str, str]) -> str:
    """Each word by the dictionary, with its capital; one that is not there stays."""
    found = []
    for word in words(text):
        other = table.get(word.lower(), word)
        found.append(other[:1].upper() + other[1:] if word[:1].isupper() else other)
    return _JOINED.sub(lambda match: match[1] or match[2], " ".join(found))


def nearest(train_source: Sequence[str], train_target: Sequence[str], source: Sequence[str]) -> list[str]:
    """For each source the target of the most similar training source, the first of equals."""
    documents = [Counter(words(text.lower())) for text in train_source]
    seen_in = Counter(word for document in documents for word in document)
    weight = {word: np.log(len(documents) / count) + 1 for word, count in seen_in.items()}
    found_in: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, document in enumerate(documents):
        length = np.sqrt(sum((n * weight[word]) ** 2 for word, n in document.items()))
        for word, n in document.items():
            found_in[word].append((number, n * weight[word] / length))
    chosen = []
    for text in source:
        scores = np.zeros(len(documents))
        for word, n in Counter(words(text.lower())).items():
            for number, value in found_in.get(word, ()):
                scores[number] += n * weight[word] * value
        chosen.append(train_target[int(scores.argmax())])
    return chosen
