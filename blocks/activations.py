"""Activation functions by name."""

from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

from torch import Tensor
from torch.nn import functional

Activation: TypeAlias = Literal["relu", "relu2", "gelu", "gelu_tanh", "silu"]


def relu2(x: Tensor) -> Tensor:
    """relu(x)^2 (So et al. 2021, arXiv 2109.08668, section 4)."""
    return functional.relu(x).square()


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "relu2": relu2,
    "gelu": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
    "silu": functional.silu,
}
