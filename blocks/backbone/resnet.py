"""Residual networks of convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from blocks.backbone.base import Backbone
from blocks.backbone.frozen_norm import FrozenBatchNorm
from registry import part
from registry.types import NonNegativeInt, PositiveInt


@part("backbone", "resnet", paper="He et al. 2015, arXiv 1512.03385, section 4.1 and table 1")
class ResNet(Backbone):
    """Stem (7x7 convolution and 3x3 pooling, stride 4 together), then stages of residual blocks; ResNet-50 by default.

    Every stage after the first halves the map, by the 3x3 convolution of its first block ("v1.5"; the paper: the 1x1
    before it). Norms are frozen batch norms.

    block: bottleneck (1x1, 3x3 at a quarter of the width, 1x1) or basic (3x3, 3x3; ResNet-18 and -34).
    stem: width of the stem. widths, depths: of each stage, its features and its number of blocks.
    dilation: the last stage keeps the size of its map and spreads its 3x3 convolutions instead (DETR-DC5).
    frozen: how many of stem, first stage, second stage ... keep the weights that they have (DETR: 2).
    channels: of the images.

    Raises ValueError for widths and depths that do not go together.
    """

    def __init__(
        self,
        *,
        block: Literal["bottleneck", "basic"] = "bottleneck",
        stem: PositiveInt = 64,
        widths: Sequence[PositiveInt] = (256, 512, 1024, 2048),
        depths: Sequence[PositiveInt] = (3, 4, 6, 3),
        dilation: bool = False,
        frozen: NonNegativeInt = 0,
        channels: PositiveInt = 3,
    ) -> None:
        super().__init__()
        if not widths or len(widths) != len(depths):
            raise ValueError(f"backbone 'resnet' has {len(widths)} widths and {len(depths)} depths: one for each stage")
        if block == "bottleneck" and any(width % 4 for width in widths):
            raise ValueError(f"bottleneck blocks are a quarter as wide inside: {list(widths)} are not multiples of 4")
        make, inputs, last = _BLOCKS[block], stem, len(widths) - 1
        spread = dilation and last > 0
        self.channels, self.features, self.stride = channels, widths[-1], 4 * 2 ** (last - spread)
        self.stem = ConvNorm(channels, stem, 7, stride=2)
        stages = []
        for number, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            dilated = spread and number == last
            # the first block sees the map of the stage before, whose cells are next to each other
            blocks = [make(inputs, width, stride=1 if number == 0 or dilated else 2)]
            blocks += [make(width, width, dilation=2 if dilated else 1) for _ in range(depth - 1)]
            stages.append(nn.Sequential(*blocks))
            inputs = width
        self.stages = nn.ModuleList(stages)
        for part_of in [self.stem, *stages][:frozen]:
            part_of.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.stem(images)), 3, stride=2, padding=1)
        for stage in self.stages:
            x = stage(x)
        return x


class Convolution(nn.Conv2d):
    """Starts normal with variance 2 / outgoing connections (He et al. 2015, arXiv 1502.01852, section 2.2)."""

    def reset_parameters(self) -> None:
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")


class ConvNorm(nn.Module):
    """A convolution without bias that keeps the size of the map but for its stride, and a norm."""

    def __init__(self, inputs: int, outputs: int, size: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        padding = dilation * (size // 2)
        self.convolution = Convolution(inputs, outputs, size, stride, padding, dilation, bias=False)
        self.norm = FrozenBatchNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.convolution(x))


class Block(nn.Module):
    """relu(shortcut(x) + layers(x)), relu between the layers; the shortcut changes the shape where the layers do."""

    def __init__(self, layers: Sequence[ConvNorm], shortcut: ConvNorm | None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.shortcut = nn.Identity() if shortcut is None else shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for number, layer in enumerate(self.layers):
            y = layer(functional.relu(y) if number else y)
        return functional.relu(self.shortcut(x) + y)


def bottleneck(inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> Block:
    inner = outputs // 4
    layers = [
        ConvNorm(inputs, inner, 1),
        ConvNorm(inner, inner, 3, stride=stride, dilation=dilation),
        ConvNorm(inner, outputs, 1),
    ]
    return Block(layers, _shortcut(inputs, outputs, stride))


def basic(inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> Block:
    layers = [
        ConvNorm(inputs, outputs, 3, stride=stride, dilation=dilation),
        ConvNorm(outputs, outputs, 3, dilation=dilation),
    ]
    return Block(layers, _shortcut(inputs, outputs, stride))


def _shortcut(inputs: int, outputs: int, stride: int) -> ConvNorm | None:
    return ConvNorm(inputs, outputs, 1, stride=stride) if inputs != outputs or stride != 1 else None


_BLOCKS = {"bottleneck": bottleneck, "basic": basic}
