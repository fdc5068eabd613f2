from __future__ import annotations

import torch

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.head import RegressionHead

HIDDEN = torch.randn(2, 4, 6).double()
EMBEDDING = TokenEmbedding(6, 5)


def test_numbers_from_the_mean_of_the_vectors() -> None:
    head = RegressionHead(6, values=2).double()
    right = HIDDEN.mean(1) @ head.matrix.weight.T + head.matrix.bias
    torch.testing.assert_close(head(HIDDEN, Coords.of(4), EMBEDDING), right, rtol=1e-12, atol=1e-12)


def test_a_forecast_has_all_values_of_a_step_beside_each_other() -> None:
    head = RegressionHead(6, values=2, steps=3, pool="last").double()
    found = head(HIDDEN, Coords.of(4), EMBEDDING)
    flat = HIDDEN[:, -1] @ head.matrix.weight.T + head.matrix.bias
    torch.testing.assert_close(found, torch.stack([flat[:, 0:2], flat[:, 2:4], flat[:, 4:6]], dim=1))


def test_a_pooler_comes_first() -> None:
    head = RegressionHead(6, pool="first", pooler="relu").double()
    dense = head.pooler.get_submodule("dense")
    inner = torch.relu(HIDDEN[:, 0] @ dense.weight.T + dense.bias)  # type: ignore[operator]
    right = inner @ head.matrix.weight.T + head.matrix.bias
    torch.testing.assert_close(head(HIDDEN, Coords.of(4), EMBEDDING), right, rtol=1e-12, atol=1e-12)
