"""How well labels are told: accuracy and the mean F1 of the classes; and what needs no model to tell them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from experiments.data.reading.tagged import Tagged


def macro_f1(hits: Sequence[float], told: Sequence[float], true: Sequence[float]) -> float:
    """Mean over the classes of 2 hits / (told + true); a class that is neither told nor true does not count."""
    scores = [2 * h / (a + b) for h, a, b in zip(hits, told, true, strict=True) if a + b]
    return sum(scores) / len(scores)


def scores(told: Sequence[Sequence[str]], sequences: Sequence[Tagged]) -> dict[str, float]:
    """accuracy and f1 (macro) of the labels told for some sequences."""
    pairs = [pair for a, b in zip(told, sequences, strict=True) for pair in zip(a, b.labels, strict=True)]
    hits = Counter(a for a, b in pairs if a == b)
    said, true = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    classes = sorted(said | true)
    f1 = macro_f1(*([count[c] for c in classes] for count in (hits, said, true)))
    return {"accuracy": sum(hits.values()) / len(pairs), "f1": f1}


def most_frequent(train: Sequence[Tagged]) -> str:
    """The label that most units have."""
    return Counter(label for each in train for label in each.labels).most_common(1)[0][0]


def of_each_unit(train: Sequence[Tagged]) -> Mapping[str, str]:
    """The most frequent label of each unit, by itself; that of all for one never seen."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for each in train:
        for unit, label in zip(each.units, each.labels, strict=True):
            counts[unit][label] += 1
    usual = most_frequent(train)
    return defaultdict(lambda: usual, {unit: count.most_common(1)[0][0] for unit, count in counts.items()})


def baselines(train: Sequence[Tagged], others: Sequence[Tagged]) -> dict[str, dict[str, float]]:
    """Scores by the name of the rule: "majority" and "unigram"."""
    usual, own = most_frequent(train), of_each_unit(train)
    return {
        "majority": scores([[usual] * len(each.units) for each in others], others),
        "unigram": scores([[own[unit] for unit in each.units] for each in others], others),
    }
