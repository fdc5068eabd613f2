"""Logits of the vocabulary at each token, behind one more layer: masked language models."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.activations import ACTIVATIONS, Activation
from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.embedding.base import required
from blocks.head.base import Head, shared_table
from blocks.head.pooling import Pooler, SegmentPooler, pool
from blocks.linear import Linear
from blocks.norm import LayerNorm, Norm
from registry import Build, build, part
from registry.types import PositiveInt


@part("head", "mlm", paper="Devlin et al. 2018, arXiv 1810.04805, section 3.1 (authors' code: get_masked_lm_output)")
class MLMHead(Head):
    """Logits of the vocabulary at each token: norm(act(W hidden + c)) x table^T + b, [b n m] -> [b n v].

    activation, norm: of the layer before the table. tied: use the embedding's table; otherwise a matrix of its own.
    bias: add a number for each token of the vocabulary. dense_bias: c exists (not in ModernBERT). width: of the layer
    before the table, that of the embedding's vectors (ALBERT). nsp: tell too whether the second sentence follows the
    first, from a pooled vector; beside the logits there are then "pooled" and "nsp" [b 2], whose first number is for
    "it follows". pair: the pooled vector is tanh(V hidden_0 + d) of the first token [b m] (BERT), or of the means of
    the two segments, gelu(V [u; v] + d) [b 4m], which a short training learns to tell pairs from, and BERT's does not.
    """

    provides = frozenset({"tokens"})

    def __init__(
        self,
        dim: int,
        vocab: int | None,
        *,
        activation: Activation = "gelu",
        norm: Build[Norm] = LayerNorm,
        tied: bool = True,
        bias: bool = True,
        dense_bias: bool = True,
        width: PositiveInt | None = None,
        nsp: bool = False,
        pair: Literal["first", "segments"] = "first",
    ) -> None:
        super().__init__()
        vocab, width = required(vocab), width or dim
        self.dense = Linear(dim, width, role="head", bias=dense_bias)
        self.activation = ACTIVATIONS[activation]
        self.norm = build(norm, dim=width)
        self.matrix = None if tied else Linear(width, vocab, role="head", bias=False)
        self.bias = nn.Parameter(torch.zeros(vocab)) if bias else None
        self.pooler: Pooler | SegmentPooler | None = None
        if nsp:
            self.pooler = Pooler(dim) if pair == "first" else SegmentPooler(dim)
        self.nsp = Linear(self.pooler.dense.out_features, 2, role="head") if self.pooler else None

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        hidden = self.norm(self.activation(self.dense(hidden)))
        table = shared_table(embedding) if self.matrix is None else self.matrix.weight
        return functional.linear(hidden, table, self.bias)

    def beside(self, hidden: Tensor, at: Coords, embedding: Embedding) -> dict[str, Tensor]:
        if self.pooler is None or self.nsp is None:
            return {}
        by_segments = isinstance(self.pooler, SegmentPooler)
        pooled = self.pooler(hidden, at) if by_segments else self.pooler(pool(hidden, at, "first"))
        return {"pooled": pooled, "nsp": self.nsp(pooled)}
