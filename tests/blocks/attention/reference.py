"""Softmax attention as loops over rows, heads and tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Sees = Callable[[int, int, int], bool]


def project(x: Tensor, linear: torch.nn.Linear, head: int, width: int) -> Tensor:
    """One head's share of a projection. x: [m] -> [d]."""
    part = slice(head * width, (head + 1) * width)
    out = linear.weight[part] @ x
    return out if linear.bias is None else out + linear.bias[part]


def mix(scores: list[Tensor], values: list[Tensor], width: int, like: Tensor) -> Tensor:
    """Softmax of the scores, the weighted sum of the values; zeros where there is nothing."""
    if not scores:
        return like.new_zeros(width)
    largest = max(float(s.detach()) for s in scores)
    weights = [torch.exp(s - largest) for s in scores]
    total = sum(weights, torch.zeros(()))
    return torch.stack([w / total * v for w, v in zip(weights, values, strict=True)]).sum(0)
