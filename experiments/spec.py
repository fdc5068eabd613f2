"""What a spec file says, as one signature: it is the schema of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from blocks.topology import Topology
from experiments.data import Data
from experiments.optimizers import AdamW
from experiments.optimizers.base import Optimizer
from experiments.results.plan import Metric
from experiments.schedules import WarmupCosine
from experiments.schedules.base import Schedule
from experiments.tasks import Task
from experiments.training.options import CheckpointOptions, EarlyStopping, TrainerOptions
from registry import Build, part
from registry.types import NonNegativeInt, PositiveInt, Slug


@dataclass(frozen=True)
class Sweep:
    """Which variants are compared.

    axes: dotted path of a setting -> the values it takes; all combinations are trained, those that cannot work are left
    out with the reason. seeds: so many, from 0, or a list. baseline: the variant that others are compared with, as
    {path: value}. exclude: combinations to leave out, each {path: value, ...}.
    workers: trials at a time, one a core unless given.
    """

    axes: dict[str, list[Any]]
    seeds: PositiveInt | list[NonNegativeInt] = 1
    baseline: dict[str, Any] | None = None
    exclude: list[dict[str, Any]] | None = None
    workers: PositiveInt | None = None


@part("spec", "experiment")
class Experiment:
    """A whole experiment: a model, the data and task it is trained on, and how; with `sweep:`, variants to compare.

    name: of the run's folder, the spec file's name unless given. about: a sentence for people.
    model: the only block that is always needed. data: what is trained and validated on. task: what the model learns.
    optimizer: with its learning rate. schedule: of the learning rate. trainer: handed to Lightning's Trainer.
    metric: what is compared. seed: of initial weights, data order and dropout, each with a stream of its own.
    early_stopping: end a run that no longer improves. checkpoint: when to save, besides after each validation.
    loggers: besides the CSV file that is always written. sweep: which variants are compared.
    plugins: files with parts of your own, beside the spec; they run only when the user says so.
    """

    family: ClassVar[str] = "spec"

    def __init__(
        self,
        *,
        name: Slug | None = None,
        about: str | None = None,
        model: Build[Topology],
        data: Build[Data] | None = None,
        task: Build[Task] | None = None,
        optimizer: Build[Optimizer] = AdamW,
        schedule: Build[Schedule] = WarmupCosine,
        trainer: TrainerOptions = TrainerOptions(),  # noqa: B008 (frozen)
        metric: Metric = Metric(),  # noqa: B008 (frozen)
        seed: NonNegativeInt = 0,
        early_stopping: EarlyStopping | None = None,
        checkpoint: CheckpointOptions | None = None,
        loggers: list[Literal["tensorboard", "wandb", "mlflow"]] | None = None,
        sweep: Sweep | None = None,
        plugins: list[str] | None = None,
    ) -> None:
        self.model, self.data, self.task = model, data, task
        self.optimizer, self.schedule = optimizer, schedule
