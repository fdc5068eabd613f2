"""What a sweep tells its display. Trials never draw: they send these, and one `LiveSweep` draws."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrialStarted:
    """A trial has been given to a worker."""

    trial: str
    variant: str
    seed: int


@dataclass(frozen=True)
class TrialProgress:
    """`loss` and `steps_per_second` are None until they have been measured."""

    trial: str
    step: int
    max_steps: int
    loss: float | None = None
    steps_per_second: float | None = None


@dataclass(frozen=True)
class TrialFinished:
    """`value` is the sweep's metric at the end of the trial."""

    trial: str
    value: float | None = None


@dataclass(frozen=True)
class TrialFailed:
    """A trial that ended without a result; `log` is where to read more."""

    trial: str
    reason: str
    status: str = "failed"
    log: str = ""


Event = TrialStarted | TrialProgress | TrialFinished | TrialFailed
