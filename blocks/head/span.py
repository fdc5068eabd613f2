"""Where an answer begins and where it ends."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head
from blocks.head.pooling import of_kind
from blocks.kernels.dense import masked_softmax
from blocks.linear import Linear
from registry import part
from registry.types import Probability


@part(
    "head",
    "span",
    paper="Devlin et al. 2018, arXiv 1810.04805, section 4.2; match: Chen et al. 2017 (DrQA), arXiv 1704.00051, 3.2",
)
class SpanHead(Head):
    """How well the answer to a question begins and ends at each token, [b n m] -> [b n 2].

    A softmax over the tokens of a row makes probabilities of the first numbers (begins) and of the second (ends).

    dropout: on the hidden states. match: compare each token with the question, h_i . W q / sqrt(m), where q is a
    weighted mean of the question's vectors (tokens of kind 0) whose weights are learned: DrQA's, but for the root. A
    short training learns so what the question has to do with the answer; BERT's head leaves all of that to attention.
    """

    provides = frozenset({"spans"})

    def __init__(self, dim: int, *, dropout: Probability = 0.0, match: bool = False) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.question = Linear(dim, 1, role="head", bias=False) if match else None
        self.matrix = Linear(dim, 2 * dim, role="head", bias=False) if match else Linear(dim, 2, role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        hidden = self.dropout(hidden)
        if self.question is None:
            return self.matrix(hidden)
        weights = masked_softmax(self.question(hidden).squeeze(-1), of_kind(hidden, at, 0))
        asked = torch.einsum("b n m, b n -> b m", hidden, weights)
        wanted = rearrange(self.matrix(asked), "b (e m) -> b e m", e=2)
        return torch.einsum("b n m, b e m -> b n e", hidden, wanted) * hidden.shape[-1] ** -0.5
