"""The backbone family: what turns images into maps of features."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


class Backbone(nn.Module):
    """Turns images into maps of features: [b c H W] -> [b f H/stride W/stride], rounded up.

    channels: c, of the images. features: f, of the map. stride: pixels between neighbouring cells of the map.
    """

    family: ClassVar[str] = "backbone"
    channels: int
    features: int
    stride: int

    def forward(self, images: Tensor) -> Tensor:
        raise NotImplementedError
