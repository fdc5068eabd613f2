"""What a trial was trained by and on, and in which attempts: `provenance.json` as plain dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.results.lenient import mapping, number, objects, read_json, text, texts, whole

FILE = "provenance.json"


@dataclass(frozen=True)
class Attempt:
    """One stretch of work on a trial, by one process. Times are UTC; `seconds` are of the wall clock.

    An attempt that was killed has no end. status: how it ended, as in `state.json`.
    """

    started: str = ""
    ended: str = ""
    seconds: float | None = None
    peak_memory_mb: float | None = None
    status: str = ""


@dataclass(frozen=True)
class Origin:
    """environment: versions, hardware, commits. attempts: in their order; none of trials from before they were kept."""

    environment: Mapping[str, str] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    number: int | None = None
    """Of attempts; None where nobody counted."""

    @property
    def started(self) -> str:
        return self.attempts[0].started if self.attempts else ""

    @property
    def ended(self) -> str:
        return self.attempts[-1].ended if self.attempts else ""

    @property
    def wall_seconds(self) -> float | None:
        """Of all attempts whose end is known; None where there is none."""
        known = [attempt.seconds for attempt in self.attempts if attempt.seconds is not None]
        return sum(known) if known else None

    @property
    def peak_memory_mb(self) -> float | None:
        known = [attempt.peak_memory_mb for attempt in self.attempts if attempt.peak_memory_mb is not None]
        return max(known, default=None)


def read_origin(folder: Path, summary: Mapping[str, Any], problems: list[str]) -> Origin:
    """The origin of the trial in `folder`; empty where nothing was kept, with a line in `problems` if it is unreadable.

    A trial that was paused and went on was one attempt; one that had to start again from its last checkpoint, more.
    """
    path = folder / FILE
    raw = (read_json(path, problems) or {}) if path.exists() else {}
    attempts = tuple(
        Attempt(
            text(entry.get("started")),
            text(entry.get("ended")),
            number(entry.get("seconds")),
            number(entry.get("peak_memory_mb")),
            text(entry.get("status")),
        )
        for entry in objects(raw.get("attempts"))
    )
    paused = sum(attempt.status == "paused" for attempt in attempts[:-1])
    counted = whole(summary.get("attempts")) or (len(attempts) - paused if attempts else None)
    return Origin(texts(mapping(raw.get("environment"))), attempts, counted)
