"""Vectors that are made already."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.embedding.base import Embedded, Embedding, Marks, Place, sample
from registry import part
from registry.types import Probability


@part("embedding", "vectors")
class VectorEmbedding(Embedding):
    """Vectors of the model's width as they are, for a front of your own, then what the position scheme adds, dropout.

    Inputs: float [b n m]. Raises ValueError for vectors of another width.
    """

    provides = frozenset({"vectors"})

    def __init__(self, dim: int, *, dropout: Probability = 0.0) -> None:
        super().__init__()
        self.dim = dim
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        if inputs.dim() != 3 or inputs.shape[2] != self.dim:
            raise ValueError(f"vectors are [b n {self.dim}], not a tensor of shape {list(inputs.shape)}")
        at = marks.coordinates(inputs.shape[1], device=inputs.device)
        return Embedded(self.dropout(place(inputs, at)), at)

    def example(self, batch: int, length: int) -> Tensor:
        return sample(batch, length, self.dim)
