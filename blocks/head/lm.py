"""Logits of the vocabulary at each token."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.embedding.base import required
from blocks.head.base import Head, shared_table
from blocks.linear import Linear
from registry import part
from registry.types import PositiveFloat, PositiveInt


@part("head", "lm", paper="Press and Wolf 2017, arXiv 1608.05859 (tying)")
class LMHead(Head):
    """Logits of the vocabulary at each token: hidden x table^T, [b n m] -> [b n v].

    tied: use the embedding's table; otherwise a matrix of its own. bias: add a number for each token of the vocabulary.
    scale: a factor on the logits, or rsqrt_dim for 1 / sqrt(dim) (T5 v1.0). softcap: c tanh(logit / c) (Gemma 2).
    width: hidden states are mapped to this width first, that of the embedding's table (OPT-350m).
    """

    provides = frozenset({"tokens"})

    def __init__(
        self,
        dim: int,
        vocab: int | None,
        *,
        tied: bool = True,
        bias: bool = False,
        scale: PositiveFloat | Literal["rsqrt_dim"] = 1.0,
        softcap: PositiveFloat | None = None,
        width: PositiveInt | None = None,
    ) -> None:
        super().__init__()
        vocab = required(vocab)
        self.scale = dim**-0.5 if scale == "rsqrt_dim" else scale
        self.softcap = softcap
        self.narrow = None if width is None else Linear(dim, width, role="head", bias=False)
        self.matrix = None if tied else Linear(width or dim, vocab, role="head", bias=False)
        self.bias = nn.Parameter(torch.zeros(vocab)) if bias else None

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        hidden = hidden if self.narrow is None else self.narrow(hidden)
        hidden = hidden if self.scale == 1.0 else hidden * self.scale
        table = shared_table(embedding) if self.matrix is None else self.matrix.weight
        logits = functional.linear(hidden, table, self.bias)
        return logits if self.softcap is None else self.softcap * torch.tanh(logits / self.softcap)
