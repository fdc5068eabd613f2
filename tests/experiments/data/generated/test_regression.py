"""Linear functions against solving for their weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from experiments.data.generated import Regression

from .every import batch_of


def test_values_are_linear_in_x() -> None:
    data = Regression(0, dimensions=3, examples=8)
    batch = batch_of(data, "train", 20)
    x, value = batch["tokens"][:, 0::2].double(), batch["tokens"][:, 1::2].double()
    assert bool((value[:, :, 1:] == 0).all())
    weights = torch.linalg.lstsq(x[:, :3], value[:, :3, :1]).solution
    torch.testing.assert_close((x @ weights)[..., 0], value[..., 0], atol=1e-2, rtol=1e-3)
    assert batch["scored"].tolist() == [[True, False] * 8] * 20
    torch.testing.assert_close(batch["targets"][:, 0::2].double(), value[..., 0])


def test_values_have_variance_one() -> None:
    targets = batch_of(Regression(0, dimensions=3, examples=4, held_out=4000), "valid", 4000)["targets"]
    assert float(targets.var()) == pytest.approx(1.0, abs=0.1)


def test_references_are_least_squares_on_the_examples_before() -> None:
    data = Regression(0, dimensions=2, examples=5, noise=0.3, held_out=30)
    batch = batch_of(data, "valid", 30)
    errors = np.zeros((30, 5))
    for i, (tokens, targets) in enumerate(zip(batch["tokens"].numpy(), batch["targets"].numpy(), strict=True)):
        x, value = tokens[0::2].astype(np.float64), tokens[1::2, 0].astype(np.float64)
        for n in range(5):
            weights = np.linalg.lstsq(x[:n], value[:n], rcond=None)[0] if n else np.zeros(2)
            errors[i, n] = (x[n] @ weights - targets[2 * n]) ** 2
    found = {(r.label, r.metric): r.value for r in data.references()}
    assert found["least squares", "valid/loss"] == pytest.approx(errors.mean(), rel=1e-4)
    assert found["least squares", "valid/last"] == pytest.approx(errors[:, -1].mean(), rel=1e-4)
    assert found["always zero", "valid/loss"] == pytest.approx((batch["targets"] ** 2).mean().item(), rel=1e-4)
