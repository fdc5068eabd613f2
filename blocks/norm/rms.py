"""Root-mean-square norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.norm.base import Norm
from registry import part
from registry.types import PositiveFloat


@part("norm", "rms", paper="Zhang and Sennrich 2019, arXiv 1910.07467, equation 4")
class RMSNorm(Norm):
    """Divides by the root mean square, without subtracting the mean: x / sqrt(mean(x^2) + eps) * w."""

    def __init__(self, dim: int, *, eps: PositiveFloat = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self.weight.shape, self.weight, self.eps)
