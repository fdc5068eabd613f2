"""Rebuild all tokens of a sequence from one vector."""

from __future__ import annotations

from torch import Tensor

from experiments.data.loader import Batch
from experiments.tasks.base import Answer, Sums, Task, marks
from experiments.tasks.diagnostic import named, scored_loss, scored_metrics, scored_sums
from registry import Need, part


@part("task", "reconstruction", paper="Poli et al. 2024 (MAD), arXiv 2403.17844, section 3.1 (compression)")
class Reconstruction(Task):
    """Every token of a row, told from one vector: mean cross-entropy over those that are asked.

    Batches as for `diagnostic`; the head says what the tokens are, from a vector that has to hold them all.
    Validation: loss (nats per target), accuracy, exact (share of rows rebuilt without a mistake).
    """

    needs = (
        Need("model", "one stream", "there is one row to read"),
        Need("model.head", "rebuilt tokens", "it compares tokens that come from one vector"),
        Need("data", "tokens to rebuild", "it has to know which tokens count"),
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
        """rebuilt: the row as the model rebuilds it."""
        said = self.model(batch["tokens"], **marks(batch)).argmax(-1)
        return [{"rebuilt": " ".join(named(self.data, row))} for row in said]
