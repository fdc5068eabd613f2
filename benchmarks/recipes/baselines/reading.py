"""What needs no network to read: counting words, and logistic regression on them (scikit-learn)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data import LabelledText, LabelledTokens, Passages, Questions
from experiments.data.reading.dictionary_questions import DictionaryQuestions
from experiments.results.plan import Reference
from experiments.tasks.span_scores import exact_match, token_f1


def dictionary_classes() -> list[Reference]:
    """Twelve classes of definitions, by their words."""
    words = {"ngram_range": (1, 1), "sublinear_tf": True}
    return classes(LabelledText(corpus="dictionary"), words, "words' tf-idf")


def language_classes() -> list[Reference]:
    """Fifty languages, by stretches of one to three characters."""
    characters = {"analyzer": "char", "ngram_range": (1, 3), "sublinear_tf": True}
    return classes(LabelledText(corpus="languages"), characters, "tf-idf of one to three characters")


def classes(data: LabelledText, vectors: Mapping[str, Any], about: str, split: str = "test") -> list[Reference]:
    """Accuracy of the largest class and of logistic regression on a split."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    (text, label), tables = data.columns, data.tables
    train, held_out = tables["train"].columns, tables[split].columns
    model = make_pipeline(TfidfVectorizer(**vectors), LogisticRegression(C=10, max_iter=1000))
    model.fit(train[text], train[label])
    names, counts = np.unique(train[label], return_counts=True)
    largest = str(names[counts.argmax()])
    return [
        Reference("largest class", f"{split}/accuracy", held_out[label].count(largest) / len(held_out[label]), largest),
        Reference(
            "logistic regression", f"{split}/accuracy", float(model.score(held_out[text], held_out[label])), about
        ),
    ]


def punctuation() -> list[Reference]:
    """Marks and capitals, by the most frequent label, and that of each word."""
    return LabelledTokens(corpus="punctuation").reference_scores("test")


def hidden_states() -> list[Reference]:
    """States behind symbols: by frequency, and the best that can be told by the rule that made them."""
    return LabelledTokens(corpus="hidden_states").reference_scores("test")


def questions(entries: int = 4, split: str = "test") -> list[Reference]:
    """Which entry has the class: at random, and by a naive Bayes classifier of the definitions' words."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    data = Questions(corpus="dictionary", entries=entries)
    train, held_out = data.tables["train"].columns, data.tables[split].columns
    model = make_pipeline(CountVectorizer(binary=True), MultinomialNB(alpha=0.5))
    model.fit(joined(train), train["label"])
    chances = model.predict_log_proba(joined(held_out))
    number = {name: i for i, name in enumerate(model.classes_)}
    rows = data.rows(split)
    assert isinstance(rows, DictionaryQuestions)
    pairs = []
    for row, seed in rows.keys(None).tolist():
        there = rows.drawn(row, seed).rows
        best = max(there, key=lambda entry, wanted=number[held_out["label"][row]]: chances[entry][wanted])
        pairs.append((held_out["word"][best], held_out["word"][row]))
    words = "the entry whose word and definition most likely have the class, by naive Bayes on their words"
    return [
        Reference("random entry", f"{split}/exact_match", 1 / entries, "one of the entries at random"),
        Reference("naive Bayes", f"{split}/exact_match", float(np.mean([exact_match(*p) for p in pairs])), words),
        Reference("naive Bayes", f"{split}/f1", float(np.mean([token_f1(*p) for p in pairs])), words),
    ]


def joined(columns: Mapping[str, list[str]]) -> list[str]:
    return [f"{word}: {text}" for word, text in zip(columns["word"], columns["text"], strict=True)]


def verses() -> list[Reference]:
    """An English verse's Spanish partner, by the stretches of letters that both have: names and numbers."""
    return nearest(Passages(corpus="bible"), {"analyzer": "char_wb", "ngram_range": (2, 4)}, "of two to four letters")


def passages() -> list[Reference]:
    """A passage in another translation, by the words that both have: nearly always found."""
    return nearest(Passages(corpus="passages"), {}, "of words")


def nearest(data: Passages, vectors: Mapping[str, Any], about: str, split: str = "test") -> list[Reference]:
    """Ranking by the cosine of tf-idf, and at random."""
    import torch
    from sklearn.feature_extraction.text import TfidfVectorizer

    from experiments.tasks.ranking import ranking

    a, b = data.texts("train")
    model = TfidfVectorizer(sublinear_tf=True, **vectors).fit([*a, *b])
    first, second = (model.transform(side) for side in data.texts(split))
    found = ranking(torch.from_numpy((first @ second.T).toarray()))
    texts, words = first.shape[0], f"cosine of the tf-idf {about}"
    chance = {
        "recall_at_1": 1 / texts,
        "recall_at_10": min(1.0, 10 / texts),
        "mrr": float(np.mean(1 / np.arange(1, texts + 1))),
    }
    return [
        Reference(label, f"{split}/{metric}", value, words_of)
        for label, values, words_of in (("tf-idf", found, words), ("chance", chance, "any order"))
        for metric, value in values.items()
    ]
