"""Helpers of the attention tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn


def _agree(module: nn.Module, fast: Callable[[Tensor], Tensor], slow: Callable[[Tensor], Tensor], x: Tensor) -> None:
    x = x.clone().requires_grad_()
    inputs = [x, *module.parameters()]
    found, right = fast(x), slow(x)
    torch.testing.assert_close(found, right, rtol=1e-9, atol=1e-9)
    way = torch.randn_like(found)
    # tie every input to the sum: what a case does not use has gradient 0 on both sides
    totals = [(out * way).sum() + sum(0 * t.sum() for t in inputs) for out in (found, right)]
    grads = [torch.autograd.grad(total, inputs) for total in totals]
    for mine, reference in zip(*grads, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-9)


@pytest.fixture
def agree() -> Callable[..., None]:
    """agree(module, fast, slow, x): equal outputs, and equal gradients of x and of every parameter."""
    return _agree
