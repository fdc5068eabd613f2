"""Learn a function from the examples in the context."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from experiments.data.loader import Batch
from experiments.tasks.base import Sums, Task, marks
from registry import Need, part


@part("task", "in_context_regression", paper="Garg et al. 2022, arXiv 2208.01066, section 2, equation 2")
class InContextRegression(Task):
    """The value of a function at each x of a row, told from the examples before it: mean squared error over all x.

    Batches hold `tokens`, float [b n c], `targets`, float [b n], and `scored`, bool [b n], True at the x.
    Validation: loss, last (the error behind all other examples), and after_1, after_2, after_4 ... (behind so many).
    """

    needs = (
        Need("model", "decoder", "a value must not be seen before it is told"),
        Need("model.head", "token values", "it compares numbers"),
        Need("data", "examples of functions", "it needs examples, and values to tell"),
    )
    metrics = ("loss", "last", "after_*")

    def loss(self, batch: Batch) -> Tensor:
        return self._errors(batch).mean()

    def weight(self, batch: Batch) -> float:
        return int(batch["scored"].sum())

    def measure(self, batch: Batch) -> Sums:
        errors = self._errors(batch).double().sum(0)
        return {f"error_{i}": error for i, error in enumerate(errors)} | {"rows": torch.tensor(len(batch["tokens"]))}

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        errors = [sums[f"error_{i}"] / sums["rows"] for i in range(len(sums) - 1)]
        powers = [2**i for i in range(len(errors).bit_length()) if 2**i < len(errors)]
        curve = {f"after_{n}": errors[n] for n in powers}
        return {"loss": sum(errors) / len(errors), "last": errors[-1], **curve}

    def _errors(self, batch: Batch) -> Tensor:
        """Squared errors at the x of each row, [b x]."""
        said, scored = self.model(batch["tokens"], **marks(batch)).squeeze(-1), batch["scored"]
        errors = (said[scored] - batch["targets"][scored]) ** 2
        return rearrange(errors, "(b x) -> b x", b=len(scored))
