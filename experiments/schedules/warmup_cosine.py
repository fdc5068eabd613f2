"""Cosine decay after a warm-up."""

from __future__ import annotations

import math
from typing import Annotated

from annotated_types import Ge, Le

from experiments.schedules.base import Schedule, progress, ramp
from registry import part
from registry.types import NonNegativeInt


@part("schedule", "warmup_cosine", paper="Loshchilov & Hutter 2017, arXiv 1608.03983, eq. 5, one period")
class WarmupCosine(Schedule):
    """Linear warm-up to 1 at step `warmup`, then half a cosine to `floor` at the last step."""

    endless = False

    def __init__(self, *, warmup: NonNegativeInt = 100, floor: Annotated[float, Ge(0.0), Le(1.0)] = 0.1) -> None:
        self.warmup = warmup
        self.floor = floor

    def factor(self, step: int, total: float) -> float:
        if step <= self.warmup:
            return ramp(step, self.warmup)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress(step, self.warmup, total))) / 2
