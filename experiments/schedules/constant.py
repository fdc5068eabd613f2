"""A constant learning rate after a warm-up."""

from __future__ import annotations

from experiments.schedules.base import Schedule, ramp
from registry import part
from registry.types import NonNegativeInt


@part("schedule", "constant")
class Constant(Schedule):
    """The optimizer's learning rate throughout, after a linear warm-up: min(1, step / warmup)."""

    def __init__(self, *, warmup: NonNegativeInt = 0) -> None:
        self.warmup = warmup

    def factor(self, step: int, total: float) -> float:
        return ramp(step, self.warmup)
