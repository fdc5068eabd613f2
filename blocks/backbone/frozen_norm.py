"""Batch norm that has stopped learning."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn


class FrozenBatchNorm(nn.Module):
    """(x - mean) / sqrt(variance + eps) * weight + bias for each channel, x: [b c H W] -> [b c H W].

    All four are saved and never trained: they belong to the weights that a backbone was trained with, and batches of a
    few large images are too small to follow them (Carion et al. 2020, arXiv 2005.12872, section 4).
    """

    weight: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        for name, start in (("weight", 1.0), ("bias", 0.0), ("mean", 0.0), ("variance", 1.0)):
            self.register_buffer(name, torch.full((channels,), start))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * (self.variance + self.eps).rsqrt()
        shift = self.bias - self.mean * scale
        return x * rearrange(scale, "c -> c 1 1") + rearrange(shift, "c -> c 1 1")
