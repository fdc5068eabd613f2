"""Tell the class of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from experiments.data.base import Data
from experiments.data.loader import Batch
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, Sums, Task, marks
from registry import Need, part
from registry.types import Probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@part("task", "classification")
class Classification(Task):
    """One class for each sequence: mean cross-entropy over the sequences of the batch.

    Validation: loss (nats per sequence) and accuracy.

    label_smoothing: share of the target spread over all classes, in training only.
    """

    needs = (
        Need("model", "one stream", "there is one text to read"),
        Need("model.head", "classes", "it compares classes"),
        Need("data", "labels", "every text needs its class"),
    )
    metrics = ("loss", "accuracy")

    def __init__(
        self,
        model: nn.Module,
        data: Data,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        label_smoothing: Probability = 0.0,
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.label_smoothing = label_smoothing

    def loss(self, batch: Batch) -> Tensor:
        logits = self.model(batch["tokens"], **marks(batch))
        return torch.nn.functional.cross_entropy(logits, batch["labels"], label_smoothing=self.label_smoothing)

    def weight(self, batch: Batch) -> float:
        return len(batch["labels"])

    def measure(self, batch: Batch) -> Sums:
        logits, labels = self.model(batch["tokens"], **marks(batch)), batch["labels"]
        return {
            "nats": torch.nn.functional.cross_entropy(logits, labels, reduction="sum"),
            "right": (logits.argmax(-1) == labels).sum(),
            "sequences": torch.tensor(len(labels)),
        }

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        return {"loss": sums["nats"] / sums["sequences"], "accuracy": sums["right"] / sums["sequences"]}

    def answers(self, batch: Batch) -> list[Answer]:
        """label: the likeliest class; probability: of it; probabilities: of every class, by name."""
        found = self.model(batch["tokens"], **marks(batch)).softmax(-1).tolist()
        names = self.data.class_names
        return [
            {
                "label": names[max(range(len(row)), key=row.__getitem__)],
                "probability": max(row),
                "probabilities": dict(zip(names, row, strict=True)),
            }
            for row in found
        ]

    def figure(self, batch: Batch, row: int, answer: Answer) -> Figure | None:
        """The image with its likeliest classes; None where the inputs are no images."""
        picture = self.data.picture(batch, row)
        if picture is None:
            return None
        from experiments.tasks.pictures.image import draw_classes

        return draw_classes(picture, answer["probabilities"])
