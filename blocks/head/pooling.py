"""From the vectors of a sequence to one."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from blocks.activations import ACTIVATIONS, Activation
from blocks.coords import Coords
from blocks.linear import Linear

Pool: TypeAlias = Literal["mean", "first", "last"]


def pool(hidden: Tensor, at: Coords, how: Pool) -> Tensor:
    """The mean of the vectors, the first or the last one; padding does not count. hidden: [b n m] -> [b m]."""
    match how:
        case "mean":
            weights = _valid(hidden, at).to(hidden.dtype)
            return torch.einsum("b n m, b n -> b m", hidden, weights) / weights.sum(1, keepdim=True).clamp(min=1)
        case "first":
            return nth(hidden, at, 0)
        case "last":
            order = torch.arange(1, len(at) + 1, device=hidden.device) * _valid(hidden, at)
            return _chosen(hidden, order.argmax(1))


def nth(hidden: Tensor, at: Coords, number: int) -> Tensor:
    """The vector of a token, counted from 0 without the padding. hidden: [b n m] -> [b m]."""
    valid = _valid(hidden, at)
    return _chosen(hidden, (valid & (valid.cumsum(1) == number + 1)).long().argmax(1))


class Pooler(nn.Module):
    """act(W x + b) on the vector of a sequence; BERT's "pooler" with tanh. x: [b m] -> [b m]."""

    def __init__(self, dim: int, activation: Activation = "tanh") -> None:
        super().__init__()
        self.dense = Linear(dim, dim, role="head")
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.dense(x))


def _valid(hidden: Tensor, at: Coords) -> Tensor:
    """bool [b n]"""
    valid = torch.ones_like(at.index, dtype=torch.bool) if at.valid is None else at.valid
    return valid.expand(hidden.shape[0], -1)


def _chosen(hidden: Tensor, rows: Tensor) -> Tensor:
    """One token of each row of the batch. rows: int [b]."""
    return hidden[torch.arange(hidden.shape[0], device=hidden.device), rows]
