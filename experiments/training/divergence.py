"""Ending a run whose numbers are no longer finite."""

from __future__ import annotations

import math
from typing import Any

import torch
from pytorch_lightning import Callback, Trainer
from torch import Tensor, nn

from experiments.ranks import ALONE, Ranks
from experiments.training.errors import Diverged


class DivergenceGuard(Callback):
    """Raises Diverged at a loss of NaN or infinity, before it reaches the weights.

    On a GPU, where looking at a number waits for the device, the training loss is looked at in logging steps only.
    The losses are those of whole batches, so one rank's ends all of them.
    """

    def on_before_backward(self, trainer: Trainer, pl_module: Any, loss: Tensor) -> None:
        step = trainer.global_step + 1
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
        look = loss.device.type == "cpu" or step % max(1, every) == 0
        if look and not math.isfinite(value := float(pl_module.last_loss)):
            raise Diverged(step, f"the training loss is {value}")

    def on_validation_end(self, trainer: Trainer, pl_module: Any) -> None:
        loss = pl_module.last_metrics.get("valid/loss", 0.0)
        if not math.isfinite(loss):
            raise Diverged(trainer.global_step, f"the validation loss is {loss}")


def check_weights(module: nn.Module, step: int, ranks: Ranks = ALONE) -> None:
    """Raises Diverged if a weight is not finite (an infinite gradient does that while the loss is still fine)."""
    weights = [p.detach() for p in module.parameters() if p.is_floating_point()]
    bad = bool(weights) and not bool(torch.isfinite(torch.stack([w.sum() for w in weights])).all())
    # a rank may hold only a part of the weights
    if ranks.largest(bad):
        raise Diverged(step, "a weight is not finite")
