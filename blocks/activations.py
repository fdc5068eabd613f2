"""Activation functions by name, and one that learns."""

from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

Activation: TypeAlias = Literal["relu", "relu2", "gelu", "gelu_tanh", "quick_gelu", "silu", "tanh"]


def relu2(x: Tensor) -> Tensor:
    """relu(x)^2 (So et al. 2021, arXiv 2109.08668, section 4)."""
    return functional.relu(x).square()


def quick_gelu(x: Tensor) -> Tensor:
    """x sigmoid(1.702 x) (Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2); CLIP's."""
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "relu2": relu2,
    "gelu": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
    "quick_gelu": quick_gelu,
    "silu": functional.silu,
    "tanh": torch.tanh,
}


class XIELU(nn.Module):
    """x > 0: a x^2 + x / 2; else: b (exp(x) - 1 - x) + x / 2, with a > 0 and b > 1/2 learned. x: [...] -> [...].

    Huang and Schlag 2024, arXiv 2411.13010 (Apertus). a = softplus(alpha_p), b = beta + softplus(alpha_n), both 0.8 at
    the start. beta and eps, near which exp(x) - 1 is cut off, are not learned; checkpoints hold them rounded.
    """

    beta: Tensor
    eps: Tensor

    def __init__(self) -> None:
        super().__init__()
        # softplus undone
        self.alpha_p = nn.Parameter(torch.tensor([0.8]).expm1().log())
        self.alpha_n = nn.Parameter(torch.tensor([0.3]).expm1().log())
        self.register_buffer("beta", torch.tensor(0.5))
        self.register_buffer("eps", torch.tensor(-1e-6))

    def forward(self, x: Tensor) -> Tensor:
        a, b = functional.softplus(self.alpha_p), self.beta + functional.softplus(self.alpha_n)
        bent = torch.where(x > 0, a * x * x, b * (torch.minimum(x, self.eps).expm1() - x))
        return bent + self.beta * x
