"""When checkpoints are written, and which of them is the best."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, Trainer
from pytorch_lightning.trainer.states import TrainerFn

from experiments.results.plan import Metric
from experiments.training.checkpoint_io import BEST, LAST, copy_checkpoint
from experiments.training.divergence import check_weights
from experiments.training.errors import Paused
from experiments.training.interrupts import Interrupts


class Saving(Callback):
    """Saves `last.ckpt` after every validation, every so many steps, when interrupted, and at the end.

    Always between two steps with nothing left to do for the first: if a validation is due after it, saving waits for
    that. `best.ckpt` is the one with the smallest (or largest) metric. A state that is not finite is never saved.

    until: pause after saving at the first validation at or after this optimizer step, unless it is the last step.

    Must come after every callback whose state belongs in the checkpoint.
    """

    def __init__(
        self,
        folder: Path,
        metric: Metric,
        every: int | None,
        interrupts: Interrupts,
        on_saved: Callable[[int], None],
        until: int | None = None,
    ) -> None:
        self.last = folder / LAST
        self.best = folder / BEST
        self.best_step = 0
        self.best_metrics: dict[str, float] = {}
        self.metrics: dict[str, float] = {}
        self.saved_step: int | None = None
        self.validated_step: int | None = None
        self._metric = metric
        self._every = every
        self._interrupts = interrupts
        self._on_saved = on_saved
        self._until = until

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loop = trainer.fit_loop.epoch_loop
        if loop._should_accumulate():
            return
        wanted = self._interrupts.agree() or (self._every and trainer.global_step % self._every == 0)
        if not wanted or validation_is_due(trainer):
            return
        self.save(trainer, pl_module)
        self._interrupts.stop_if_agreed()

    def on_validation_end(self, trainer: Trainer, pl_module: Any) -> None:
        self.validated_step, self.metrics = trainer.global_step, dict(pl_module.last_metrics)
        better = self._consider(self.metrics, trainer.global_step)
        if trainer.state.fn != TrainerFn.FITTING:
            return
        self.save(trainer, pl_module)
        if better and self._interrupts.ranks.first:
            copy_checkpoint(self.last, self.best)
        self._interrupts.agree()
        self._interrupts.stop_if_agreed()
        self.pause_if_due(trainer.global_step, trainer.max_steps)

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        if self.saved_step != trainer.global_step:
            self.save(trainer, pl_module)

    def pause_if_due(self, step: int, max_steps: int) -> None:
        """Raises Paused where the training is to pause and is not done. step: up to which it is saved."""
        reached = self._until is not None and (self.validated_step or 0) >= self._until
        if reached and step < max_steps:
            raise Paused(step, self.metrics)

    def _consider(self, metrics: dict[str, float], step: int) -> bool:
        """Whether these metrics are the best so far; remembers them if so."""
        name, order = self._metric.name, self._metric.order
        if name not in metrics:
            known = ", ".join(metrics) or "none"
            raise ValueError(f"metric: there is no '{name}'; this task has {known}")
        best = order(self.best_metrics[name]) if name in self.best_metrics else math.inf
        if not order(metrics[name]) < best:
            return False
        self.best_step, self.best_metrics = step, dict(metrics)
        return True

    def save(self, trainer: Trainer, pl_module: Any) -> None:
        check_weights(pl_module, trainer.global_step, self._interrupts.ranks)
        for logger in trainer.loggers:
            logger.save()
        trainer.save_checkpoint(self.last, weights_only=False)
        self.saved_step = trainer.global_step
        self._on_saved(trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        return {
            "best_step": self.best_step,
            "best_metrics": self.best_metrics,
            "metrics": self.metrics,
            "validated_step": self.validated_step,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_step = state_dict["best_step"]
        self.best_metrics = state_dict["best_metrics"]
        self.metrics = state_dict["metrics"]
        self.validated_step = state_dict["validated_step"]


def validation_is_due(trainer: Trainer) -> bool:
    """Whether Lightning validates right after the batch that has just ended: its own rule, which has no public name."""
    loop = trainer.fit_loop
    return loop._data_fetcher is not None and loop.epoch_loop._should_check_val_fx(loop._data_fetcher)
