"""Images as the cells of a backbone's map of features."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from blocks.backbone import Backbone, ResNet
from blocks.embedding.base import Embedded, Embedding, Marks, Place, sample
from blocks.embedding.grid import grid
from blocks.linear import Linear
from registry import Build, build, part


@part("embedding", "image_features", paper="Carion et al. 2020 (DETR), arXiv 2005.12872, section 3.2")
class ImageFeatures(Embedding):
    """A backbone's map of an image, each cell mapped to the model's width, row by row.

    Inputs: float [b c H W] -> [b h*w m]. marks.valid: bool [b H W], False on pixels that only fill up the image; they
    are read as zeros, and a cell is padding where its nearest pixel is. Cells know their row and column among the
    valid ones. backbone: makes the map of features.
    Raises ValueError for inputs of another shape.
    """

    provides = frozenset({"images"})

    def __init__(self, dim: int, *, backbone: Build[Backbone] = ResNet) -> None:
        super().__init__()
        self.backbone = build(backbone)
        self.projection = Linear(self.backbone.features, dim, role="input")

    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        if inputs.dim() != 4 or inputs.shape[1] != self.backbone.channels:
            wanted = f"[b {self.backbone.channels} H W]"
            raise ValueError(f"an image is {wanted}, not a tensor of shape {list(inputs.shape)}")
        if marks.valid is not None:
            inputs = inputs.masked_fill(~rearrange(marks.valid, "b H W -> b 1 H W"), 0.0)
        cells = self.backbone(inputs)
        at = grid(cells_valid(marks.valid, cells), marks, device=inputs.device)
        # a convolution of 1x1 is one linear map for all cells
        x = self.projection(rearrange(cells, "b f h w -> b (h w) f"))
        return Embedded(place(x, at), at)

    def example(self, batch: int, length: int) -> Tensor:
        side = math.ceil(length**0.5) * self.backbone.stride
        return sample(batch, self.backbone.channels, side, side)


def cells_valid(pixels: Tensor | None, cells: Tensor) -> Tensor:
    """Which cells belong to the image. pixels: bool [b H W] or None for all; cells: [b f h w] -> bool [b|1 h w]."""
    if pixels is None:
        return torch.ones(1, *cells.shape[-2:], dtype=torch.bool, device=cells.device)
    smaller = functional.interpolate(rearrange(pixels.float(), "b h w -> b 1 h w"), cells.shape[-2:], mode="nearest")
    return rearrange(smaller > 0, "b 1 h w -> b h w")
