"""What a run says about itself while it goes: `state.json` and events for whoever started it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning import Callback, Trainer

from experiments.atomic import write_json
from experiments.training.meter import Meter

Status = Literal["pending", "running", "paused", "finished", "failed", "diverged", "interrupted"]
Event = dict[str, Any]


class RunState:
    """The file `state.json`: status, reason, step, and of a paused run the metrics of its last validation."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "state.json"
        self.max_steps: int | None = None
        self.step = 0

    def write(self, status: Status, reason: str | None = None, metrics: Mapping[str, float] | None = None) -> None:
        content: dict[str, Any] = {
            "status": status,
            "reason": reason,
            "step": self.step,
            "max_steps": self.max_steps,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if metrics is not None:
            content["metrics"] = dict(metrics)
        # a running state may be lost in a power cut; how it ended may not
        write_json(self._path, content, durable=status != "running")


class Progress(Callback):
    """Tells how far the training is, to `state.json` and to `send`: every `interval` seconds, and when validated.

    Events are dicts with "event": "step" (step, max_steps, loss, steps_per_second,
    tokens_per_second), "valid" (step, metrics),
    "saved" (step), "note" (text), "end" (status, reason).
    """

    def __init__(
        self, state: RunState, meter: Meter, send: Callable[[Event], None] | None, interval: float = 0.5
    ) -> None:
        self._state = state
        self._meter = meter
        self._send = send
        self._interval = interval
        self._next = 0.0

    def send(self, event: str, **content: Any) -> None:
        if self._send is not None:
            self._send({"event": event, **content})

    def saved(self, step: int) -> None:
        self._state.step = step
        self._state.write("running")
        self.send("saved", step=step)

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._interval
        self._state.step = trainer.global_step
        self._state.write("running")
        self.send(
            "step",
            step=trainer.global_step,
            max_steps=self._state.max_steps,
            loss=float(pl_module.last_loss),
            steps_per_second=self._meter.steps_per_second,
            tokens_per_second=self._meter.tokens_per_second,
        )

    def on_validation_end(self, trainer: Trainer, pl_module: Any) -> None:
        self.send("valid", step=trainer.global_step, metrics=pl_module.last_metrics)
