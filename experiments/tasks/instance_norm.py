"""Each window of a series on a level of its own, and forecasts brought back from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

InstanceNorm: TypeAlias = Literal["none", "mean", "last"]
"""What a window is measured from: nothing; its mean, in units of its deviation; its last value."""

EPS = 1e-5


@dataclass(frozen=True)
class Level:
    """centre, scale: [b 1 c]; (x - centre) / scale is what a model reads (Kim et al. 2022, RevIN, without weights)."""

    centre: Tensor
    scale: Tensor

    def to(self, values: Tensor) -> Tensor:
        """[b n c] -> [b n c]"""
        return (values - self.centre) / self.scale

    def back(self, values: Tensor) -> Tensor:
        """The inverse of `to`."""
        return values * self.scale + self.centre


def level(window: Tensor, seen: Tensor | None, how: InstanceNorm) -> Level:
    """The level of each row and channel. window: [b n c]; seen: bool [b n c], False where nothing was measured.

    mean: centre and scale are the mean and sqrt(variance + 1e-5) of what was seen, as in RevIN. last: the centre is the
    last value seen, as in NLinear (Zeng et al. 2022, arXiv 2205.13504), the scale 1. Where nothing was seen the centre
    is 0.
    """
    seen = torch.ones_like(window, dtype=torch.bool) if seen is None else seen
    window = window.masked_fill(~seen, 0.0)
    one = torch.ones_like(window[:, :1])
    match how:
        case "none":
            return Level(0 * one, one)
        case "last":
            order = torch.arange(1, window.shape[1] + 1, device=window.device)[:, None] * seen
            return Level(window.gather(1, order.argmax(1, keepdim=True)), one)
        case "mean":
            count = seen.sum(1, keepdim=True).clamp(min=1)
            mean = window.sum(1, keepdim=True) / count
            spread = ((window - mean).square() * seen).sum(1, keepdim=True) / count
            return Level(mean, (spread + EPS).sqrt())
