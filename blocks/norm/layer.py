"""Layer norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.norm.base import Norm
from registry import part
from registry.types import PositiveFloat


@part("norm", "layer", paper="Ba et al. 2016, arXiv 1607.06450, section 3")
class LayerNorm(Norm):
    """Subtracts the mean and divides by the (biased) standard deviation: (x - mean) / sqrt(var + eps) * w + b.

    eps: 1e-5 in torch and GPT-2, 1e-12 in BERT, 1e-6 in tensor2tensor. bias: whether b exists.
    """

    def __init__(self, dim: int, *, eps: PositiveFloat = 1e-5, bias: bool = True) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
