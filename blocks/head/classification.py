"""Logits of classes for the whole sequence."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.activations import Activation
from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head, known_classes
from blocks.head.pooling import Pool, Pooler, pool
from blocks.linear import Linear
from registry import part
from registry.types import PositiveInt, Probability


@part(
    "head",
    "classification",
    paper="Devlin et al. 2018, arXiv 1810.04805, section 3 (pool: first, pooler: tanh); Dosovitskiy et al. 2020 (ViT), "
    "arXiv 2010.11929, equation 4 (pool: first)",
)
class ClassificationHead(Head):
    """Logits of classes from one vector for the sequence, [b n m] -> [b classes].

    classes: taken from the data unless given. pool: mean over the tokens, the first token, or the last one;
    padding does not count. pooler: a map of that vector with this activation before the classes are told (tanh in BERT,
    RoBERTa and ViT's pre-training, relu in DistilBERT, gelu_tanh in BigBird). dropout: on what the classes are told
    from. pooler_dropout: on what the pooler reads (RoBERTa).

    Raises ValueError when the number of classes is not known.
    """

    provides = frozenset({"classes"})

    def __init__(
        self,
        dim: int,
        *,
        classes: PositiveInt | None = None,
        pool: Pool = "mean",
        pooler: Activation | None = None,
        dropout: Probability = 0.0,
        pooler_dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.pool: Pool = pool
        self.pooler_dropout = nn.Dropout(pooler_dropout)
        self.pooler = nn.Identity() if pooler is None else Pooler(dim, pooler)
        self.dropout = nn.Dropout(dropout)
        self.matrix = Linear(dim, known_classes("classification", classes), role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        vector = self.pooler(self.pooler_dropout(pool(hidden, at, self.pool)))
        return self.matrix(self.dropout(vector))
