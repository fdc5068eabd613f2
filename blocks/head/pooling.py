"""From the vectors of a sequence to one."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

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


class SegmentPooler(nn.Module):
    """gelu(W [u; v] + b) of the means u, v of the two segments of a pair (InferSent, Conneau et al. 2017, figure 1).

    A vector for the pair that is not odd in them, as tanh is, tells from the start whether they are alike.
    x: [b n m] -> [b 4m]. Padding does not count; the mean of a segment that is not there is 0.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dense = Linear(2 * dim, 4 * dim, role="head")

    def forward(self, hidden: Tensor, at: Coords) -> Tensor:
        kinds = torch.stack([of_kind(hidden, at, kind) for kind in (0, 1)]).to(hidden.dtype)
        sums = torch.einsum("b n m, k b n -> b k m", hidden, kinds)
        means = sums / rearrange(kinds.sum(-1), "k b -> b k 1").clamp(min=1)
        return functional.gelu(self.dense(rearrange(means, "b k m -> b (k m)")))


def of_kind(hidden: Tensor, at: Coords, kind: int) -> Tensor:
    """bool [b n], the real tokens of a kind."""
    types = torch.zeros_like(at.index) if at.types is None else at.types
    return _valid(hidden, at) & (types == kind)


def _valid(hidden: Tensor, at: Coords) -> Tensor:
    """bool [b n]"""
    valid = torch.ones_like(at.index, dtype=torch.bool) if at.valid is None else at.valid
    return valid.expand(hidden.shape[0], -1)


def _chosen(hidden: Tensor, rows: Tensor) -> Tensor:
    """One token of each row of the batch. rows: int [b]."""
    return hidden[torch.arange(hidden.shape[0], device=hidden.device), rows]
