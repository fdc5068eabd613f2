"""Learning-rate schedules, as parts."""

from experiments.schedules.base import Schedule
from experiments.schedules.constant import Constant
from experiments.schedules.linear import Linear
from experiments.schedules.noam import Noam
from experiments.schedules.warmup_cosine import WarmupCosine

__all__ = ["Constant", "Linear", "Noam", "Schedule", "WarmupCosine"]
