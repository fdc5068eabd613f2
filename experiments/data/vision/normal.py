"""Pixels as numbers that a model can learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor


@dataclass(frozen=True)
class Normal:
    """Mean and standard deviation of each channel of the training images, as shares of the brightest value."""

    mean: Sequence[float]
    deviation: Sequence[float]

    @classmethod
    def of(cls, pixels: np.ndarray) -> Normal:
        """Of uint8 [... c]."""
        counts = Counts(pixels.shape[-1])
        counts.add(pixels)
        return counts.normal()

    def apply(self, pixels: Tensor) -> Tensor:
        """uint8 [... H W c] -> float [... c H W], the mean at 0, the deviation at 1."""
        scaled = (pixels.float() / 255 - torch.tensor(self.mean)) / torch.tensor(self.deviation)
        return rearrange(scaled, "... h w c -> ... c h w")

    def undo(self, pixels: Tensor) -> Tensor:
        """float [... c H W] -> [... H W c] from 0 to 1."""
        back = rearrange(pixels, "... c h w -> ... h w c").cpu() * torch.tensor(self.deviation)
        return (back + torch.tensor(self.mean)).clamp(0, 1)


class Counts:
    """How often each value occurs in each channel, [c 256]: exact sums over any number of images."""

    def __init__(self, channels: int) -> None:
        self.found = np.zeros((channels, 256), np.int64)

    def add(self, pixels: np.ndarray) -> None:
        """pixels: uint8 [... c]."""
        flat = pixels.reshape(-1, pixels.shape[-1])
        for channel, found in enumerate(self.found):
            found += np.bincount(flat[:, channel], minlength=256)

    def normal(self) -> Normal:
        values, shares = np.arange(256) / 255, self.found / self.found.sum(1, keepdims=True)
        mean = shares @ values
        variance = shares @ values**2 - mean**2
        # a channel of one value stays what it is
        deviation = np.where(variance > 1e-8, np.sqrt(np.maximum(variance, 0)), 1.0)
        return Normal(mean.tolist(), deviation.tolist())
