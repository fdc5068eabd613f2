"""The engine makes no n x n tensor that it does not need."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from blocks.attention import FullAttention
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask


class Largest(TorchDispatchMode):
    """Remembers the number of elements of the largest tensor that any operation returns."""

    numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else [out]:
            # an expanded view takes no memory
            if isinstance(tensor, Tensor) and not any(stride == 0 for stride in tensor.stride()):
                self.numel = max(self.numel, tensor.numel())
        return out


@pytest.mark.parametrize(
    ("mask", "padded", "cross"),
    [
        (Full(), False, False),
        (Full(), True, False),
        (Full(), False, True),
        (Full(), True, True),
        (Causal(), False, False),
    ],
)
def test_plain_attention_keeps_no_square(mask: Mask, padded: bool, cross: bool) -> None:
    torch.set_num_threads(1)
    n = 256
    attention, x = FullAttention(8, 2), torch.randn(2, n, 8)
    at = Coords.of(n, valid=torch.arange(n) < torch.tensor([[n], [n - 50]])) if padded else Coords.of(n)
    with torch.no_grad(), Largest() as seen:
        attention(x, at, mask=mask, source=x if cross else None, source_at=at if cross else None)
    assert seen.numel < n * n


def test_a_window_with_sinks_keeps_no_square() -> None:
    n = 256
    attention, x = FullAttention(8, 2, window=8, sinks=True), torch.randn(2, n, 8)
    with torch.no_grad(), Largest() as seen:
        attention(x, Coords.of(n), mask=Causal())
    assert seen.numel < n * n
