"""What needs no network on the tasks that are made by rule, and on long documents."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.data import LabelledText
from experiments.data.generated import ListOps, Pathfinder, Regression
from experiments.data.generated.dice import Dice
from experiments.results.plan import Reference
from registry.load import load
from registry.shipped import spec_file


def listops() -> list[Reference]:
    """The most frequent digit, and the most frequent one behind the same first operation."""
    return ListOps(**_options("recipes/long/listops")).chance("test")


def pathfinder() -> list[Reference]:
    """The more frequent of the two answers, and how far apart the dots are, on the rows of the recipe."""
    data = Pathfinder(**_options("recipes/long/pathfinder"))
    return [*data.chance("test"), by_distance(data, train=1000)]


def by_distance(data: Pathfinder, train: int) -> Reference:
    """Dots are joined if they are nearer than a threshold, that which does best on so many training rows."""

    def seen(stream: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        drawings = data.drawings(Dice(range(count), stream))
        apart = [np.linalg.norm(drawing.dots[0] - drawing.dots[1]) for drawing in drawings]
        return np.array(apart), np.array([drawing.joined for drawing in drawings])

    (apart, joined), (asked, right) = seen(0, train), seen(2, data.held_out)
    threshold = max(np.sort(apart), key=lambda least: ((apart < least) == joined).mean())
    share = float(((asked < threshold) == right).mean())
    return Reference("distance of the dots", "test/accuracy", share, "below a threshold they count as joined")


def regression() -> list[Reference]:
    """Least squares on the examples before each, and zero, on the rows of the recipe."""
    return Regression(**_options("recipes/diagnostics/regression")).chance("test")


def documents() -> list[Reference]:
    """The largest class, and logistic regression on how often each byte is in a document."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = LabelledText(corpus="eras", label="era", length=4096)
    shares, labels = {}, {}
    for split in ("train", "test"):
        rows = data.rows(split)
        batch = rows.batch(rows.keys(None))
        documents = zip(batch["tokens"].numpy(), batch["valid"].numpy(), strict=True)
        counts = [np.bincount(row[real], minlength=data.tokenizer.vocab) for row, real in documents]
        shares[split], labels[split] = np.sqrt(np.stack(counts)), batch["labels"].numpy()
    guess = np.bincount(labels["train"]).argmax()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    model.fit(shares["train"], labels["train"])
    return [
        Reference("largest class", "test/accuracy", float((labels["test"] == guess).mean())),
        Reference(
            "bag of bytes",
            "test/accuracy",
            float(model.score(shares["test"], labels["test"])),
            "logistic regression on the square roots of byte counts (scikit-learn)",
        ),
    ]


def _options(spec: str) -> dict[str, Any]:
    """Of the data of a recipe."""
    return {name: value for name, value in load(spec_file(spec)).full["data"].items() if name != "kind"}
