"""How long the training took, and how fast it was."""

from __future__ import annotations

import time
from typing import Any

import torch
from pytorch_lightning import Callback, Trainer

from experiments.peak_memory import most_resident

_WARM_UP = 5


class Meter(Callback):
    """Seconds inside training steps (no validation, no saving), over all attempts of a run."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.tokens = 0
        self._fresh = 0
        self._timed_seconds = 0.0
        self._timed_tokens = 0
        self._timed_batches = 0
        self._accumulate = 1
        self._start = 0.0
        self._tokens_before = 0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        self._accumulate = trainer.accumulate_grad_batches

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self._start = time.perf_counter()
        self._tokens_before = pl_module.tokens_seen

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        spent = time.perf_counter() - self._start
        tokens = pl_module.tokens_seen - self._tokens_before
        self.seconds += spent
        self.tokens += tokens
        # the first steps of a process load and warm up what later ones find ready
        self._fresh += 1
        if self._fresh > _WARM_UP:
            self._timed_seconds += spent
            self._timed_tokens += tokens
            self._timed_batches += 1

    @property
    def tokens_per_second(self) -> float:
        """The rate after warming up; over everything if the run was too short for that."""
        seconds, tokens = self._timed_seconds, self._timed_tokens
        if not seconds:
            seconds, tokens = self.seconds, self.tokens
        return tokens / seconds if seconds else 0.0

    @property
    def steps_per_second(self) -> float | None:
        """Optimizer steps a second after warming up; None before."""
        return self._timed_batches / self._accumulate / self._timed_seconds if self._timed_seconds else None

    def state_dict(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds,
            "tokens": self.tokens,
            "timed_seconds": self._timed_seconds,
            "timed_tokens": self._timed_tokens,
            "timed_batches": self._timed_batches,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seconds = state_dict["seconds"]
        self.tokens = state_dict["tokens"]
        self._timed_seconds = state_dict["timed_seconds"]
        self._timed_tokens = state_dict["timed_tokens"]
        self._timed_batches = state_dict["timed_batches"]


def peak_memory_mb() -> float:
    """The most memory this process has had: on the GPU if it used one, else resident."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return torch.cuda.max_memory_allocated() / 2**20
    return most_resident()
