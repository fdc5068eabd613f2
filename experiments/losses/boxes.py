"""How well boxes overlap. A box is centre x, centre y, width and height, as shares of an image."""

from __future__ import annotations

import torch
from torch import Tensor


def corners(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The upper left and the lower right corner. boxes: [... 4] -> two [... 2]."""
    centres, sizes = boxes[..., :2], boxes[..., 2:]
    return centres - sizes / 2, centres + sizes / 2


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union, less the share of the smallest enclosing box that neither fills: from -1 to 1.

    Rezatofighi et al. 2019, arXiv 1902.09630, algorithm 1. a, b: [... 4], broadcast -> [...].
    """
    (a_low, a_high), (b_low, b_high) = corners(a), corners(b)
    common = area((torch.minimum(a_high, b_high) - torch.maximum(a_low, b_low)).clamp(min=0))
    union = area(a_high - a_low) + area(b_high - b_low) - common
    enclosing = area(torch.maximum(a_high, b_high) - torch.minimum(a_low, b_low))
    return common / union - (enclosing - union) / enclosing


def area(sizes: Tensor) -> Tensor:
    """[... 2] -> [...]"""
    return sizes[..., 0] * sizes[..., 1]
