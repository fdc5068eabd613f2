"""Predict the tokens that are asked for."""

from __future__ import annotations

import torch
from torch import Tensor

from experiments.data.generated import Generated
from experiments.data.loader import Batch
from experiments.tasks.base import Answer, Sums, Task, marks
from registry import Need, part


@part("task", "diagnostic")
class Diagnostic(Task):
    """The tokens of a made-up task: mean cross-entropy over those places of the batch that are asked.

    Batches hold `tokens`, `targets`, int [b n], and `scored`, bool [b n], which of the targets count.
    Validation: loss (nats per target), accuracy (share of targets that are the likeliest token), exact (share of rows
    of which every target is).
    """

    needs = (
        Need("model", "decoder", "it predicts each token from those before it"),
        Need("model.head", "tokens", "it compares tokens"),
        Need("data", "scored tokens", "it has to know which tokens count"),
    )
    metrics = ("loss", "accuracy", "exact")

    def loss(self, batch: Batch) -> Tensor:
        return scored_loss(self.model(batch["tokens"], **marks(batch)), batch)

    def weight(self, batch: Batch) -> float:
        return int(batch["scored"].sum())

    def measure(self, batch: Batch) -> Sums:
        return scored_sums(self.model(batch["tokens"], **marks(batch)), batch)

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        return scored_metrics(sums)

    def answers(self, batch: Batch) -> list[Answer]:
        """next: the likeliest symbol behind each one; last: behind the whole row."""
        said, valid = self.model(batch["tokens"], **marks(batch)).argmax(-1), batch["valid"]
        rows = [named(self.data, row[real]) for row, real in zip(said, valid, strict=True)]
        return [{"next": " ".join(row), "last": row[-1]} for row in rows]


def scored_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy in nats over the scored targets, 0 where there are none. logits: [b n v] -> scalar."""
    scored = batch["scored"]
    # left-out places by index, so that their logits have no part in the gradient
    nats = torch.nn.functional.cross_entropy(logits[scored], batch["targets"][scored], reduction="sum")
    return nats / scored.sum().clamp(min=1)


def scored_sums(logits: Tensor, batch: Batch) -> Sums:
    """What `scored_metrics` needs of a batch. logits: [b n v]."""
    scored, right = batch["scored"], logits.argmax(-1) == batch["targets"]
    asked = scored.any(1)
    return {
        "nats": torch.nn.functional.cross_entropy(logits[scored], batch["targets"][scored], reduction="sum"),
        "right": (right & scored).sum(),
        "targets": scored.sum(),
        "exact": ((right | ~scored).all(1) & asked).sum(),
        "rows": asked.sum(),
    }


def scored_metrics(sums: dict[str, float]) -> dict[str, float]:
    """Rows of which nothing is asked do not count."""
    targets, rows = max(1.0, sums["targets"]), max(1.0, sums["rows"])
    return {
        "loss": sums["nats"] / targets,
        "accuracy": sums["right"] / targets,
        "exact": sums["exact"] / rows,
    }


def named(data: object, tokens: Tensor) -> list[str]:
    """Tokens as the data write them, or as numbers."""
    symbols = data.symbols if isinstance(data, Generated) else ()
    return [symbols[i] if i < len(symbols) else str(i) for i in tokens.tolist()]
