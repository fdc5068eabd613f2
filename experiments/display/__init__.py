"""The terminal side of sweeps: the plan before, the live display during, the ranking after."""

from experiments.display.events import Event, TrialFailed, TrialFinished, TrialProgress, TrialStarted
from experiments.display.live import LiveSweep
from experiments.display.tables import ranked_table, show_plan

__all__ = [
    "Event",
    "LiveSweep",
    "TrialFailed",
    "TrialFinished",
    "TrialProgress",
    "TrialStarted",
    "ranked_table",
    "show_plan",
]
