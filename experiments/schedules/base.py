"""What every learning-rate schedule promises."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch.optim.lr_scheduler import LambdaLR


class Schedule(ABC):
    """A factor on the optimizer's learning rate for each of its steps, counted from 1 to `total`."""

    family: ClassVar[str] = "schedule"
    endless: bool = True
    """Whether the factor can be told without knowing the number of steps."""

    @abstractmethod
    def factor(self, step: int, total: float) -> float:
        """The factor for the optimizer's step number `step` (the first is 1) of `total`."""

    def build(self, optimizer: torch.optim.Optimizer, total: float) -> LambdaLR:
        """A torch scheduler to be stepped after each optimizer step. total: math.inf when it is not known."""
        if math.isinf(total) and not self.endless:
            raise ValueError("this schedule needs to know the end: set trainer.max_steps or trainer.max_epochs")
        return LambdaLR(optimizer, lambda done: self.factor(done + 1, total))


def ramp(step: int, warmup: int) -> float:
    """Linear warm-up: 1/warmup at step 1, 1 from step `warmup` on; 1 throughout without a warm-up."""
    return min(1.0, step / warmup) if warmup else 1.0


def progress(step: int, warmup: int, total: float) -> float:
    """How far `step` is from the end of the warm-up (0) to the last step (1)."""
    return min(1.0, max(0.0, (step - warmup) / max(1.0, total - warmup)))
