"""Logits of classes for each token."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head, known_classes
from blocks.linear import Linear
from registry import part
from registry.types import PositiveInt, Probability


@part("head", "token_classification", paper="Devlin et al. 2018, arXiv 1810.04805, section 5.3")
class TokenClassificationHead(Head):
    """Logits of classes for each token, [b n m] -> [b n classes]: names in a text, parts of speech.

    classes: taken from the data unless given. dropout: on the hidden states.

    Raises ValueError when the number of classes is not known.
    """

    provides = frozenset({"token classes"})

    def __init__(self, dim: int, *, classes: PositiveInt | None = None, dropout: Probability = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.matrix = Linear(dim, known_classes("token_classification", classes), role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return self.matrix(self.dropout(hidden))
