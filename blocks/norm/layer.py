"""Layer norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.norm.base import Norm
from blocks.norm.weight import Form, factor, starting_weight
from registry import part
from registry.types import PositiveFloat


@part("norm", "layer", paper="Ba et al. 2016, arXiv 1607.06450, section 3")
class LayerNorm(Norm):
    """Subtracts the mean and divides by the (biased) standard deviation: (x - mean) / sqrt(var + eps) * w + b.

    eps: 1e-5 in torch and GPT-2, 1e-12 in BERT, 1e-6 in tensor2tensor. bias: whether b exists (not in MPT, Cohere).
    weight: plain is w, starting at 1; one_plus is 1 + w, starting at 0 (Nemotron); none leaves it out (OLMo, without
    bias). Computed in float32 at least and rounded once.
    """

    def __init__(self, dim: int, *, eps: PositiveFloat = 1e-5, bias: bool = True, weight: Form = "plain") -> None:
        super().__init__()
        self.dim, self.eps, self.form = dim, eps, weight
        self.weight = starting_weight(weight, dim)
        self.bias = nn.Parameter(torch.zeros(dim)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        exact = x.to(torch.promote_types(x.dtype, torch.float32))
        w = factor(self.form, self.weight, x.dtype)
        b = None if self.bias is None else self.bias.to(exact.dtype)
        return functional.layer_norm(exact, (self.dim,), w, b, self.eps).to(x.dtype)
