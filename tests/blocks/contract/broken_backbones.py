"""Backbones with one mistake each."""

from __future__ import annotations

from torch import Tensor

from blocks.backbone import ResNet

from .broken_parts import with_mistakes


class Small(ResNet):
    """Right."""

    def __init__(self) -> None:
        super().__init__(stem=4, widths=[8], depths=[1])


class SaysHalfTheStride(Small):
    def __init__(self) -> None:
        super().__init__()
        self.stride //= 2


class SaysOtherFeatures(Small):
    def __init__(self) -> None:
        super().__init__()
        self.features += 1


class Mirrors(Small):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images).flip(-1)


class ComparesImages(Small):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images - images.mean(0, keepdim=True))


BUGS: list[tuple[str, type, str]] = [
    ("backbone", SaysHalfTheStride, "gives maps of the size that it declares"),
    ("backbone", SaysOtherFeatures, "gives maps of the size that it declares"),
    ("backbone", Mirrors, "cells of the map stand where their pixels do"),
    ("backbone", ComparesImages, "images of a batch do not know of each other"),
    *(("backbone", broken, name) for name, broken in with_mistakes(Small).items()),
]
