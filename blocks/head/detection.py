"""A class and a box for each object query."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head, known_classes
from blocks.linear import Linear
from registry import part
from registry.types import PositiveInt


@part("head", "detection", paper="Carion et al. 2020 (DETR), arXiv 2005.12872, section 3.2")
class DetectionHead(Head):
    """Logits of classes for each query, [b n m] -> [b n classes + 1]; the last class is "no object".

    Beside them "boxes" [b n 4]: centre x, centre y, width and height as shares of the image, by a small network with
    relu between its layers and a sigmoid at the end.

    classes: of objects, taken from the data unless given. layers: of the network for boxes.

    Raises ValueError when the number of classes is not known.
    """

    provides = frozenset({"boxes"})

    def __init__(self, dim: int, *, classes: PositiveInt | None = None, layers: PositiveInt = 3) -> None:
        super().__init__()
        self.matrix = Linear(dim, known_classes("detection", classes) + 1, role="head")
        widths = [dim] * layers + [4]
        maps = [Linear(a, b, role="head") for a, b in pairwise(widths)]
        self.boxes = nn.ModuleList(maps)

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return self.matrix(hidden)

    def beside(self, hidden: Tensor, at: Coords, embedding: Embedding) -> dict[str, Tensor]:
        for number, layer in enumerate(self.boxes):
            hidden = layer(functional.relu(hidden) if number else hidden)
        return {"boxes": hidden.sigmoid()}
