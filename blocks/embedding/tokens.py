"""A learned vector for each token."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from blocks.embedding.base import Embedded, Embedding, Marks, Place, required
from blocks.linear import Linear, Table
from blocks.norm import Norm
from registry import Build, build, part
from registry.types import NonNegativeInt, PositiveFloat, PositiveInt, Probability


@part("embedding", "tokens", paper="Vaswani et al. 2017, arXiv 1706.03762, section 3.4")
class TokenEmbedding(Embedding):
    """A learned vector for each token, then what the position scheme adds, a norm where asked for, dropout.

    Inputs: int [b n]. scale: a factor on the vectors, true for sqrt(dim) (Transformer, Transformer-XL).
    types: so many kinds of tokens, each with a learned vector (BERT has 2); tokens are of kind 0 unless the batch says.
    norm: norm of the sum (BERT). norm_of: tokens norms them before positions join them (BlenderBot small's decoder).
    width: of the vectors, mapped to the model's width by a matrix (OPT-350m). widen: sum leaves all of it narrow, and
    maps what the dropout returns, with a bias (ALBERT, ELECTRA small); `learned` positions then need the same `width`.
    dropout_on: what leaves the norm, or the sum that enters it (BigBird).
    """

    provides = frozenset({"tokens"})

    def __init__(
        self,
        dim: int,
        vocab: int | None,
        *,
        scale: bool | PositiveFloat = False,
        types: NonNegativeInt = 0,
        width: PositiveInt | None = None,
        widen: Literal["tokens", "sum"] = "tokens",
        norm: Build[Norm] | None = None,
        norm_of: Literal["sum", "tokens"] = "sum",
        dropout: Probability = 0.0,
        dropout_on: Literal["normed", "sum"] = "normed",
    ) -> None:
        super().__init__()
        if width is None and widen == "sum":
            raise ValueError("embedding 'tokens': widen: sum needs the width of the narrow vectors: set `width`")
        self.table = Table(required(vocab), width or dim, role="embedding")
        self.last, self.norm_first = widen == "sum", norm_of == "tokens"
        self.widen = None if width is None else Linear(width, dim, role="embedding", bias=self.last)
        summed = width if width is not None and self.last else dim
        self.types = Table(types, summed, role="embedding") if types else None
        self.scale = math.sqrt(dim) if scale is True else float(scale or 1.0)
        self.norm = nn.Identity() if norm is None else build(norm, dim=summed)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.dropout_first = dropout_on == "sum"

    @property
    def weight(self) -> Tensor:
        return self.table.weight

    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        if inputs.dim() != 2:
            raise ValueError(f"tokens are int [b n], not a tensor of shape {list(inputs.shape)}")
        at = marks.coordinates(inputs.shape[1], device=inputs.device)
        x = self.table(inputs)
        x = x if self.widen is None or self.last else self.widen(x)
        x = x if self.scale == 1.0 else x * self.scale
        if self.types is not None:
            x = x + self.types(torch.zeros_like(inputs) if marks.types is None else marks.types)
        elif marks.types is not None:
            raise ValueError("this model does not tell kinds of tokens apart: set model.embedding.types")
        x = place(self.norm(x), at) if self.norm_first else place(x, at)
        x = self.dropout(x) if self.dropout_first else x
        x = x if self.norm_first else self.norm(x)
        x = x if self.dropout_first else self.dropout(x)
        return Embedded(self.widen(x) if self.widen is not None and self.last else x, at)

    def share_table(self, other: Embedding) -> None:
        if not isinstance(other, TokenEmbedding) or other.table.weight.shape != self.table.weight.shape:
            raise ValueError("one table serves two embeddings of tokens only, of one vocabulary and width")
        self.table = other.table

    def example(self, batch: int, length: int) -> Tensor:
        return torch.arange(batch * length).reshape(batch, length) % self.table.num_embeddings
