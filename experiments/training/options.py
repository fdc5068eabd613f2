"""The options of a training run that are not parts: what is handed to Lightning, stopping early, saving."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from registry.types import Fraction, MetricOf, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

Strategy = Literal["auto", "ddp", "ddp_find_unused_parameters_true", "fsdp"]
Precision = Literal["32-true", "64-true", "bf16-true", "16-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True)
class TrainerOptions:
    """Arguments of Lightning's Trainer, under its own names; a null leaves Lightning's default.

    devices, num_nodes: how many processes train together, on each machine and on how many; each batch is split between
        them, so that `data.batch_size` stays the size of the whole. strategy: how they do; auto is
        ddp_find_unused_parameters_true, which fits every model and resumes bit for bit.

    max_steps, max_epochs: where the training ends; one of them must be given.
    val_check_interval: validate every so many batches (int), or that share of a pass over the data (float); ten times
        in all when only max_steps is given.
    check_val_every_n_epoch: validate only in every n-th pass. With an int `val_check_interval` and a null here, batches
        are counted through passes, so validations are evenly spaced.
    log_every_n_steps: how often the training loss is written, in optimizer steps.
    """

    max_steps: PositiveInt | None = None
    max_epochs: PositiveInt | None = None
    min_steps: PositiveInt | None = None
    max_time: str | None = None
    val_check_interval: PositiveInt | Fraction | None = None
    check_val_every_n_epoch: PositiveInt | None = None
    limit_train_batches: PositiveInt | Fraction | None = None
    limit_val_batches: NonNegativeInt | Fraction | None = None
    limit_test_batches: NonNegativeInt | Fraction | None = None
    log_every_n_steps: PositiveInt = 10
    accumulate_grad_batches: PositiveInt = 1
    gradient_clip_val: PositiveFloat | None = None
    gradient_clip_algorithm: Literal["norm", "value"] | None = None
    precision: Precision = "32-true"
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"
    devices: PositiveInt | Literal["auto"] = 1
    num_nodes: PositiveInt = 1
    strategy: Strategy = "auto"
    deterministic: bool = False
    benchmark: bool | None = None
    detect_anomaly: bool = False


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when a validation metric has not improved for a while.

    patience: how many validations in a row without an improvement of more than `min_delta` end the run.
    """

    metric: Annotated[str, MetricOf("task")] = "valid/loss"
    goal: Literal["minimize", "maximize"] = "minimize"
    patience: PositiveInt = 3
    min_delta: NonNegativeFloat = 0.0


@dataclass(frozen=True)
class CheckpointOptions:
    """When to save, besides after every validation, at the end and when interrupted.

    every: also after every so many optimizer steps.
    """

    every: PositiveInt | None = None


def trainer_arguments(options: Mapping[str, Any], batches: int) -> dict[str, Any]:
    """The `trainer:` block of a spec as keyword arguments of Lightning's Trainer.

    batches: how many there are in a pass over the training data.

    Raises ValueError when nothing says where the training ends.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if not {"max_steps", "max_epochs"} & given.keys():
        raise ValueError("trainer: set max_steps or max_epochs, or the training would never end")
    if "max_steps" in given and not {"max_epochs", "val_check_interval", "check_val_every_n_epoch"} & given.keys():
        # ten points make a curve, however long a pass over the data is
        given["val_check_interval"] = max(1, given["max_steps"] // 10) * given.get("accumulate_grad_batches", 1)
    evenly = isinstance(given.get("val_check_interval"), int)
    given.setdefault("check_val_every_n_epoch", None if evenly else 1)
    if "max_epochs" in given:
        # schedules need the number of steps; Lightning tells it only by starting the data
        most = steps_of(given["max_epochs"], batches, given)
        given["max_steps"] = min(given.get("max_steps", most), most)
    return given


def steps_of(epochs: int, batches: int, given: Mapping[str, Any]) -> int:
    """Optimizer steps in so many passes over `batches` batches; the last step of a pass may accumulate fewer."""
    limit = given.get("limit_train_batches", 1.0)
    taken = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
    together: int = given.get("accumulate_grad_batches", 1)
    return epochs * math.ceil(taken / together)
