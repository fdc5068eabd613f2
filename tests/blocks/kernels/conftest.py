"""Helpers of the kernel tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Function = Callable[..., Tensor]


class LargestTensor(TorchDispatchMode):
    """Remembers the number of elements of the largest tensor that any operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(tensor, Tensor):
                self.numel = max(self.numel, tensor.numel())
        return out


def _same(fast: Function, slow: Function, inputs: Sequence[Tensor], tolerance: float = 1e-9) -> None:
    generator = torch.Generator().manual_seed(5)
    results = []
    for function in (fast, slow):
        leaves = [x.detach().clone().requires_grad_() for x in inputs]
        out = function(*leaves)
        weight = torch.randn(out.shape, generator=generator.manual_seed(5), dtype=out.dtype)
        # Tie every input to the sum, also those that a mask hides from the slow side altogether.
        total = (out * weight).sum() + sum(0 * leaf.sum() for leaf in leaves)
        grads = torch.autograd.grad(total, leaves)
        results.append([out, *grads])
    for index, (left, right) in enumerate(zip(*results, strict=True)):
        assert left.isfinite().all(), f"result {index} is not finite"
        torch.testing.assert_close(
            left, right, rtol=tolerance, atol=tolerance, msg=lambda m, i=index: f"result {i}: {m}"
        )


@pytest.fixture
def same() -> Callable[..., None]:
    """same(fast, slow, inputs): equal outputs and equal gradients of every input."""
    return _same


@pytest.fixture
def largest() -> type[LargestTensor]:
    """A mode that records the size of the largest tensor."""
    return LargestTensor


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(3)
    torch.set_num_threads(1)
