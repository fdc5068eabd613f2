"""Linear decay after a warm-up."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from experiments.schedules.base import Schedule, progress, ramp
from registry import part
from registry.types import NonNegativeInt


@part("schedule", "linear")
class Linear(Schedule):
    """Linear warm-up to 1 at step `warmup`, then a straight line to `floor` at the last step."""

    endless = False

    def __init__(self, *, warmup: NonNegativeInt = 0, floor: Annotated[float, Ge(0.0), Le(1.0)] = 0.0) -> None:
        self.warmup = warmup
        self.floor = floor

    def factor(self, step: int, total: float) -> float:
        if step <= self.warmup:
            return ramp(step, self.warmup)
        return 1 + (self.floor - 1) * progress(step, self.warmup, total)
