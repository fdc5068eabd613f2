"""Empty vectors for a decoder to fill."""

from __future__ import annotations

import torch
from einops import repeat
from torch import Tensor

from blocks.embedding.base import Embedded, Embedding, Marks, Place
from registry import part
from registry.types import PositiveInt


@part("embedding", "queries", paper="Carion et al. 2020 (DETR), arXiv 2005.12872, section 3.2 and appendix A.3")
class Queries(Embedding):
    """So many vectors of zeros, which nothing but their positions tells apart: [b 0] -> [b count m].

    For a decoder whose output is a set, with learned positions in every layer. Of the inputs, int [b 0], only the
    number of rows and the device count.

    count: of the vectors; the most objects that the model can find in an image.
    """

    provides = frozenset({"queries"})
    zero: Tensor

    def __init__(self, dim: int, *, count: PositiveInt = 100) -> None:
        super().__init__()
        self.count = count
        # knows the model's dtype
        self.register_buffer("zero", torch.zeros(dim), persistent=False)

    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        at = marks.coordinates(self.count, device=inputs.device)
        x = repeat(self.zero, "m -> b n m", b=inputs.shape[0], n=self.count)
        return Embedded(place(x, at), at)

    def example(self, batch: int, length: int) -> Tensor:
        return torch.empty(batch, 0, dtype=torch.long)
