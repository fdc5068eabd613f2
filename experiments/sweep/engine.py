"""What runs trials: the interface of an engine, the job it is given, and the events it reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Event = dict[str, Any]
"""What a trial or its engine says, by the word under "event":

ready: the process is up. step, valid, saved, note, end: see `experiments.training.status.Progress`.
summary: it has come to a stop by itself; "summary" is what `run_trial` returned: finished, diverged, paused or
    interrupted.
failed: it will fail again; "reason", "oom" where memory ran out, "full" where the disk did.
lost: nobody's fault, it may go on from its last checkpoint; "reason".

The last three are ends: one of them is the last event of each job that was started.
"""

ENDS = ("summary", "failed", "lost")


class EngineFailed(RuntimeError):
    """The engine cannot start trials any more; what they have saved is kept."""


@dataclass(frozen=True)
class Job:
    """A trial to train.

    until: pause at the first validation at or after this optimizer step. memory_mb: data that its process may hold.
    minutes: of wall clock, after which it is ended. devices: how many slots it takes.
    """

    id: str
    spec: dict[str, Any]
    folder: Path
    plugins: tuple[str, ...] = ()
    until: int | None = None
    memory_mb: int | None = None
    minutes: float | None = None
    devices: int = 1


class Engine(Protocol):
    """Trains jobs side by side, each in a process that dies with the coordinator."""

    @property
    def slots(self) -> int:
        """How many devices there are in all."""

    @property
    def free(self) -> int:
        """How many of them no job takes."""

    @property
    def running(self) -> Mapping[str, Any]:
        """The jobs that have been started and have not ended, by id."""

    def start(self, job: Job) -> None:
        """Start a job that takes no more devices than are free. Raises EngineFailed."""

    def events(self, timeout: float) -> Iterator[tuple[Job, Event]]:
        """What has happened, waiting at most so many seconds for the first of it."""

    def pass_on(self, signals: Sequence[int]) -> None:
        """Send each trial those of the signals, a list that only grows, that it has not been sent yet."""

    def close(self) -> None:
        """End whatever still runs, at once."""
