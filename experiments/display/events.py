"""What a sweep tells its display. Trials never draw: they send these, and one `LiveSweep` draws."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrialStarted:
    """A trial has been given to a worker; once more, after it was paused or lost.

    stage: `compare`, or `tune` for a try that finds a variant's settings.
    """

    trial: str
    variant: str
    seed: int
    stage: str = "compare"


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
class TrialPaused:
    """A trial that waits for others before it goes on, or for the decision that it does not."""

    trial: str


@dataclass(frozen=True)
class TrialRetried:
    """A trial was lost, through no fault of its own, and will go on from its last checkpoint."""

    trial: str
    reason: str


@dataclass(frozen=True)
class TrialFailed:
    """A trial that ended without a result; `log` is where to read more."""

    trial: str
    reason: str
    status: str = "failed"
    log: str = ""


Event = TrialStarted | TrialProgress | TrialFinished | TrialPaused | TrialRetried | TrialFailed
