"""What needs no network to classify images: the largest class, and a random forest on the pixels."""

from __future__ import annotations

from experiments.data.images import LabelledImages
from experiments.data.vision.corpora import Corpus
from experiments.results.plan import Reference

TREES = 300


def fashion() -> list[Reference]:
    """Grey clothes, 28 x 28."""
    return references("fashion")


def clipart() -> list[Reference]:
    """Coloured drawings, 32 x 32."""
    return references("clipart")


def references(corpus: Corpus, split: str = "test") -> list[Reference]:
    """Accuracy of each on a split."""
    from sklearn.ensemble import RandomForestClassifier

    data = LabelledImages(corpus=corpus)
    train, held_out = data.rows("train"), data.rows(split)
    assert train.labels is not None
    assert held_out.labels is not None
    forest = RandomForestClassifier(TREES, random_state=0, n_jobs=1)
    forest.fit(train.pixels.flatten(1).numpy(), train.labels.numpy())
    right = float(forest.score(held_out.pixels.flatten(1).numpy(), held_out.labels.numpy()))
    largest = train.labels.bincount().argmax()
    share = float((held_out.labels == largest).double().mean())
    name = data.class_names[int(largest)]
    return [
        Reference("largest class", f"{split}/accuracy", share, f"always '{name}'"),
        Reference("random forest", f"{split}/accuracy", right, f"{TREES} trees on the pixels (scikit-learn)"),
    ]
