"""What a spec file says, as one signature: it is the schema of the file."""

from __future__ import annotations

from typing import ClassVar, Literal

from blocks.topology import Topology
from experiments.data import Data
from experiments.optimizers import AdamW
from experiments.optimizers.base import Optimizer
from experiments.results.plan import Metric
from experiments.schedules import WarmupCosine
from experiments.schedules.base import Schedule
from experiments.start import InitFrom
from experiments.sweep_options import Sweep
from experiments.tasks import Task
from experiments.training.options import CheckpointOptions, EarlyStopping, TrainerOptions
from registry import Build, part
from registry.types import NonNegativeInt, Slug


@part("spec", "experiment")
class Experiment:
    """A whole experiment: a model, the data and task it is trained on, and how; with `sweep:`, variants to compare.

    name: of the run's folder, the spec file's name unless given. about: a sentence for people.
    model: the only block that is always needed. data: what is trained and validated on. task: what the model learns.
    optimizer: with its learning rate. schedule: of the learning rate. trainer: handed to Lightning's Trainer.
    init_from: weights to start from: a run, a checkpoint or a folder of weights, or a block that says more.
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
        init_from: str | InitFrom | None = None,
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
