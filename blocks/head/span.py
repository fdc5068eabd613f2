"""Where an answer begins and where it ends."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head
from blocks.linear import Linear
from registry import part
from registry.types import Probability


@part("head", "span", paper="Devlin et al. 2018, arXiv 1810.04805, section 4.2")
class SpanHead(Head):
    """How well the answer to a question begins and ends at each token, [b n m] -> [b n 2].

    A softmax over the tokens of a row makes probabilities of the first numbers (begins) and of the second (ends).

    dropout: on the hidden states.
    """

    provides = frozenset({"spans"})

    def __init__(self, dim: int, *, dropout: Probability = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.matrix = Linear(dim, 2, role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return self.matrix(self.dropout(hidden))
