"""Stopping when the validation no longer improves."""

from __future__ import annotations

import math
from typing import Any

from pytorch_lightning import Callback, Trainer

from experiments.training.options import EarlyStopping


class EarlyStop(Callback):
    """Counts validations without improvement; a run resumed after it stopped stays stopped."""

    def __init__(self, options: EarlyStopping) -> None:
        self._options = options
        self._sign = 1.0 if options.goal == "minimize" else -1.0
        self._best = math.inf
        self._waited = 0

    @property
    def reason(self) -> str | None:
        """Why the run was stopped, or None."""
        if self._waited < self._options.patience:
            return None
        return f"stopped early: no better {self._options.metric} in {self._waited} validations"

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        trainer.should_stop = self.reason is not None

    def on_validation_end(self, trainer: Trainer, pl_module: Any) -> None:
        metrics = pl_module.last_metrics
        if self._options.metric not in metrics:
            known = ", ".join(metrics) or "none"
            raise ValueError(f"early_stopping.metric: there is no '{self._options.metric}'; this task has {known}")
        value = self._sign * metrics[self._options.metric]
        if value < self._best - self._options.min_delta:
            self._best, self._waited = value, 0
        else:
            self._waited += 1
        trainer.should_stop = trainer.should_stop or self.reason is not None

    def state_dict(self) -> dict[str, Any]:
        return {"best": self._best, "waited": self._waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._best, self._waited = state_dict["best"], state_dict["waited"]
