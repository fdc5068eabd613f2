"""Errors of in-context regression, written out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from experiments.data.generated import Regression
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import InContextRegression


class Sums(nn.Module):
    """Says the sum of the numbers so far."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.5))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.factor * tokens.double().sum(-1, keepdim=True).cumsum(1)


def test_against_hand() -> None:
    data = Regression(0, dimensions=2, examples=6, batch_size=4, held_out=7)
    task = InContextRegression(Sums(), data, AdamW(), Constant())
    sums: dict[str, float] = {}
    errors: list[list[float]] = []
    for batch in data.eval_loader():
        mine = []
        for tokens, targets in zip(batch["tokens"].double(), batch["targets"].double(), strict=True):
            said = [0.5 * float(tokens[: 2 * i + 1].sum()) for i in range(6)]
            mine.append([(said[i] - float(targets[2 * i])) ** 2 for i in range(6)])
        flat = [error for row in mine for error in row]
        assert float(task.loss(batch).detach()) == pytest.approx(sum(flat) / len(flat))
        assert task.weight(batch) == len(flat)
        errors += mine
        for name, value in task.measure(batch).items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
    mean = [sum(row[i] for row in errors) / 7 for i in range(6)]
    wanted = {"loss": sum(mean) / 6, "last": mean[5], "after_1": mean[1], "after_2": mean[2], "after_4": mean[4]}
    assert task.summarise(sums) == pytest.approx(wanted)
