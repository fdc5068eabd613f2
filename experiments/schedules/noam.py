"""The schedule of the first Transformer."""

from __future__ import annotations

import math

from experiments.schedules.base import Schedule
from registry import part
from registry.types import NonNegativeInt, PositiveInt


@part(
    "schedule",
    "noam",
    paper="Vaswani et al. 2017, arXiv 1706.03762, eq. 3; cooldown: Zhai et al. 2021, arXiv 2106.04560, section 3.5",
)
class Noam(Schedule):
    """Linear warm-up, then the inverse square root of the step, which counts from 1.

    With `dim` (the model width, say `${model.dim}`) the paper's rule, to be used with lr 1:
    dim^-0.5 * min(step^-0.5, step * warmup^-1.5). Without, the same curve scaled to be 1 at its peak, step `warmup`.
    cooldown: over so many last steps the rate falls besides, in a straight line, to 0 at the last one.
    """

    def __init__(
        self, *, warmup: PositiveInt = 4000, dim: PositiveInt | None = None, cooldown: NonNegativeInt = 0
    ) -> None:
        self.warmup = warmup
        self.dim = dim
        self.cooldown = cooldown
        self.endless = not cooldown

    def factor(self, step: int, total: float) -> float:
        scale = math.sqrt(1 / self.dim if self.dim else self.warmup)
        rate = scale * min(1 / math.sqrt(step), step / self.warmup / math.sqrt(self.warmup))
        return rate * min(1.0, (total - step) / self.cooldown) if self.cooldown else rate
