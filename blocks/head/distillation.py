"""Logits of classes from a class token and a distillation token."""

from __future__ import annotations

from torch import Tensor

from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head, known_classes
from blocks.head.pooling import nth
from blocks.linear import Linear
from registry import part
from registry.types import PositiveInt


@part("head", "distillation", paper="Touvron et al. 2020 (DeiT), arXiv 2012.12877, section 4")
class DistillationHead(Head):
    """The mean of two classifiers, [b n m] -> [b classes]: one reads the first token, the other the second.

    Beside it the logits of each, "class" and "distilled" [b classes]: in training the first learns from the labels, the
    second from a teacher. For embeddings that begin with two such tokens: {kind: patches, class_tokens: 2}.

    classes: taken from the data unless given.

    Raises ValueError when the number of classes is not known.
    """

    provides = frozenset({"classes"})

    def __init__(self, dim: int, *, classes: PositiveInt | None = None) -> None:
        super().__init__()
        classes = known_classes("distillation", classes)
        self.matrix = Linear(dim, classes, role="head")
        self.distilled = Linear(dim, classes, role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        both = self.beside(hidden, at, embedding)
        return (both["class"] + both["distilled"]) / 2

    def beside(self, hidden: Tensor, at: Coords, embedding: Embedding) -> dict[str, Tensor]:
        return {"class": self.matrix(nth(hidden, at, 0)), "distilled": self.distilled(nth(hidden, at, 1))}
