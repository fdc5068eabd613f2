"""YaRN."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from blocks.scaling.base import Scaling
from registry import part
from registry.types import PositiveFloat, PositiveInt


@part("scaling", "yarn", paper="Peng et al. 2023, arXiv 2309.00071, sections 3.2 and 3.4")
class YarnScaling(Scaling):
    """Divides the angles of slow pairs by `factor`, leaves fast ones as they are, and goes over by the pair's number.

    fast, slow: turns within `original_length`, the length of pre-training, at which pairs are left alone and are slowed
    entirely. truncate: the numbers of these two pairs are made whole, outwards (the authors' code; not in gpt-oss).
    attention: factor on queries and keys, 0.1 ln(factor) + 1 unless given (equation 22).
    """

    def __init__(
        self,
        *,
        factor: PositiveFloat,
        original_length: PositiveInt,
        fast: PositiveFloat = 32.0,
        slow: PositiveFloat = 1.0,
        truncate: bool = True,
        attention: PositiveFloat | None = None,
    ) -> None:
        super().__init__()
        self.factor, self.original_length = factor, original_length
        self.fast, self.slow, self.truncate = fast, slow, truncate
        self.attention = temperature(factor) if attention is None else attention

    def slowed(self, rates: Tensor, base: float) -> Tensor:
        d = 2 * len(rates)
        first, last = self._pair(self.fast, d, base), self._pair(self.slow, d, base)
        if self.truncate:
            first, last = math.floor(first), math.ceil(last)
        first, last = max(first, 0), min(last, d - 1)
        # where both are the same pair, everything after it is slow
        width = last - first or 0.001
        slow = ((rates.new_tensor(range(len(rates))) - first) / width).clamp(0, 1)
        return torch.lerp(rates, rates / self.factor, slow)

    def _pair(self, turns: float, d: int, base: float) -> float:
        """Number of the pair that turns so often within the original length."""
        return d * math.log(self.original_length / (turns * 2 * math.pi)) / (2 * math.log(base))


def temperature(factor: float) -> float:
    """The root of 1/t of equation 22, for an extension by `factor`."""
    return 1.0 if factor <= 1 else 0.1 * math.log(factor) + 1.0
