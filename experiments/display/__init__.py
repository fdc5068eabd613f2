"""The terminal side of sweeps: the plan before, the live display during, the ranking after."""

from experiments.display.events import (
    Event,
    TrialFailed,
    TrialFinished,
    TrialPaused,
    TrialProgress,
    TrialRetried,
    TrialStarted,
)
from experiments.display.live import LiveSweep
from experiments.display.plan_table import show_plan
from experiments.display.tables import ranked_table

__all__ = [
    "Event",
    "LiveSweep",
    "TrialFailed",
    "TrialFinished",
    "TrialPaused",
    "TrialProgress",
    "TrialRetried",
    "TrialStarted",
    "ranked_table",
    "show_plan",
]
