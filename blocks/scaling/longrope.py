"""LongRoPE."""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor

from blocks.scaling.base import Scaling
from registry import part
from registry.types import PositiveFloat, PositiveInt


@part("scaling", "longrope", paper="Ding et al. 2024, arXiv 2402.13753, section 3.2; Abdin et al. 2024 (Phi-3)")
class LongRopeScaling(Scaling):
    """Divides the angle of each pair by a factor of its own, found by search.

    short, long: the factors, one a pair, for texts within `original_length`, the length of pre-training, and beyond.
    use: which of them. Phi-3's code decides by the longest text of a batch, which makes a text's output depend on its
    neighbours and contradicts keys that a cache holds already; here the spec decides.
    attention: factor on queries and keys, sqrt(1 + ln(factor) / ln(original_length)) unless given. factor: how many
    times longer the texts are than those of pre-training; Phi-3's code applies it to short texts too.
    """

    def __init__(
        self,
        *,
        short: list[PositiveFloat],
        long: list[PositiveFloat],
        original_length: PositiveInt,
        factor: PositiveFloat = 1.0,
        use: Literal["short", "long"] = "long",
        attention: PositiveFloat | None = None,
    ) -> None:
        super().__init__()
        self.factors = short if use == "short" else long
        stretch = 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(original_length))
        self.attention = stretch if attention is None else attention

    def slowed(self, rates: Tensor, base: float) -> Tensor:
        if len(self.factors) != len(rates):
            raise ValueError(
                f"scaling 'longrope' has {len(self.factors)} factors for {len(rates)} pairs of coordinates"
            )
        return rates / rates.new_tensor(self.factors)
