"""The scaling of Llama 3.1."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from blocks.scaling.base import Scaling
from registry import part
from registry.types import PositiveFloat, PositiveInt


@part("scaling", "llama3", paper="Dubey et al. 2024 (Llama 3.1), arXiv 2407.21783, section 3.4.2; its reference code")
class Llama3Scaling(Scaling):
    """Divides the angles of slow pairs by `factor`, leaves fast ones as they are, and goes over between the two.

    A pair is slow when it turns less than `slow` times, fast when it turns more than `fast` times, within
    `original_length`, the length of pre-training.
    """

    def __init__(
        self,
        *,
        factor: PositiveFloat = 8.0,
        slow: PositiveFloat = 1.0,
        fast: PositiveFloat = 4.0,
        original_length: PositiveInt = 8192,
    ) -> None:
        super().__init__()
        if fast <= slow:
            raise ValueError(f"scaling 'llama3': fast ({fast:g} turns) must exceed slow ({slow:g} turns)")
        self.factor, self.slow, self.fast, self.original_length = factor, slow, fast, original_length

    def slowed(self, rates: Tensor, base: float) -> Tensor:
        turns = self.original_length * rates / (2 * math.pi)
        kept = ((turns - self.slow) / (self.fast - self.slow)).clamp(0, 1)
        return torch.lerp(rates / self.factor, rates, kept)
