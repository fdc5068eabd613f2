"""Root-mean-square norm."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from blocks.norm.base import Norm
from blocks.norm.weight import Form, factor, starting_weight
from registry import part
from registry.types import PositiveFloat


@part("norm", "rms", paper="Zhang and Sennrich 2019, arXiv 1910.07467, equation 4")
class RMSNorm(Norm):
    """Divides by the root mean square, without subtracting the mean: x / sqrt(mean(x^2) + eps) * w.

    eps: 1e-6 in T5 and Llama 1, 1e-5 in Llama 2 and 3. weight: plain is w, starting at 1; one_plus is 1 + w, starting
    at 0 (Gemma), so that weight decay pulls towards the neutral norm; none leaves it out.
    Computed in float32 at least and rounded once.
    """

    def __init__(self, dim: int, *, eps: PositiveFloat = 1e-6, weight: Form = "plain") -> None:
        super().__init__()
        self.dim, self.eps, self.form = dim, eps, weight
        self.weight = starting_weight(weight, dim)

    def forward(self, x: Tensor) -> Tensor:
        exact = x.to(torch.promote_types(x.dtype, torch.float32))
        w = factor(self.form, self.weight, x.dtype)
        return functional.rms_norm(exact, (self.dim,), w, self.eps).to(x.dtype)
