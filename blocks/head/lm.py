"""Logits of the vocabulary at each token."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.coords import Coords
from blocks.head.base import Head
from blocks.linear import Linear
from registry import part


@part("head", "lm", paper="Press and Wolf 2017, arXiv 1608.05859 (tying)")
class LMHead(Head):
    """Logits of the vocabulary at each token: hidden x table^T, [b n m] -> [b n v].

    tied: use the embedding's table; otherwise a matrix of its own. bias: add a number for each token of the vocabulary.
    """

    provides = frozenset({"tokens"})

    def __init__(self, dim: int, vocab: int, *, tied: bool = True, bias: bool = False) -> None:
        super().__init__()
        self.matrix = None if tied else Linear(dim, vocab, role="head", bias=False)
        self.bias = nn.Parameter(torch.zeros(vocab)) if bias else None

    def forward(self, hidden: Tensor, at: Coords, table: Tensor) -> Tensor:
        return functional.linear(hidden, table if self.matrix is None else self.matrix.weight, self.bias)
