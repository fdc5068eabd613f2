"""How a trial has come out so far, as far as the choice of further trials goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SETTLED = ("finished", "diverged", "failed")
"""A trial with one of these is not trained any further; with every other status its result is still to come."""


def _no_curve(name: str) -> Mapping[int, float]:
    return {}


@dataclass(frozen=True)
class Outcome:
    """What is known of a trial.

    status: as in `state.json`. metrics: by name, at its end. reason: why it has no result.
    curve: name of a validation metric -> {optimizer step: value}, of a trial that failed or was interrupted as well as
    of one that paused: what was decided by a value must be decided so again. It is called often; whoever makes it
    remembers what it read.
    """

    status: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    curve: Callable[[str], Mapping[int, float]] = _no_curve
    reason: str | None = None

    @property
    def settled(self) -> bool:
        return self.status in SETTLED

    def value(self, name: str) -> float | None:
        """A metric at the end of the training; None unless it came there with a finite one."""
        found = self.metrics.get(name) if self.status == "finished" else None
        return found if found is not None and math.isfinite(found) else None
