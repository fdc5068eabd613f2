"""The contract of the backbone family."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from blocks.backbone import Backbone
from blocks.contract.check import check, demand
from blocks.contract.common import Feed, promise_common
from blocks.contract.compare import moved, same
from blocks.contract.subject import Subject

CELLS = 2
"""Rows of the map that most images here become; they have one column more."""


def images(backbone: Backbone, feed: Feed, batch: int = 2) -> Tensor:
    """[b c H W]"""
    return feed.vectors(batch, backbone.channels, CELLS * backbone.stride, (CELLS + 1) * backbone.stride)


@check("backbone", "gives maps of the size that it declares")
@torch.no_grad()
def sizes(subject: Subject) -> None:
    backbone: Backbone = subject.build()
    channels, stride = backbone.channels, backbone.stride
    for height, width in ((stride, stride), (2 * stride, 3 * stride), (2 * stride - 1, 2 * stride + 1)):
        out = backbone(Feed().vectors(2, channels, height, width))
        cells = -(-height // stride), -(-width // stride)
        right = 2, backbone.features, *cells
        demand(out.shape == right, f"[2 {channels} {height} {width}] becomes {tuple(out.shape)}, not {right}")


@check("backbone", "cells of the map stand where their pixels do")
@torch.no_grad()
def places(subject: Subject) -> None:
    backbone: Backbone = subject.build()
    plain = images(backbone, Feed(), batch=1)
    stride = backbone.stride
    for row in range(CELLS):
        for column in range(CELLS + 1):
            other = plain.clone()
            other[:, :, row * stride : (row + 1) * stride, column * stride : (column + 1) * stride] += 1
            change = (backbone(other) - backbone(plain)).abs().amax(1)[0]
            demand(change[row, column] > 0, f"cell {(row, column)} does not see its own pixels")


@check("backbone", "images of a batch do not know of each other")
@torch.no_grad()
def apart(subject: Subject) -> None:
    backbone: Backbone = subject.build()
    batch = images(backbone, Feed(), batch=3)
    together = backbone(batch)
    same(backbone(batch[1:2]), together[1:2], "an image alone is not as in a batch")
    demand(moved(together[0].flatten(), together[2].flatten()), "two images have the same map")


def exercise(subject: Subject, module: nn.Module, feed: Feed) -> Sequence[Tensor]:
    assert isinstance(module, Backbone)
    return [module(images(module, feed))]


promise_common("backbone", exercise)
