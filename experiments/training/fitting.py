"""The training itself, as every rank of a trial does it; only the first has somewhere to write."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.loggers import Logger
from torch import nn

from experiments.data.base import Data
from experiments.data.loader import Share
from experiments.ranks import Ranks
from experiments.results.plan import Metric
from experiments.streams import initialisation
from experiments.tasks.base import Task
from experiments.training.checkpoint_io import AtomicCheckpointIO, copy_checkpoint, model_state, read_checkpoint
from experiments.training.divergence import DivergenceGuard
from experiments.training.dropout_stream import DropoutStream
from experiments.training.early_stop import EarlyStop
from experiments.training.interrupts import Interrupts
from experiments.training.meter import Meter
from experiments.training.options import EarlyStopping, trainer_arguments
from experiments.training.places import Known, Place, together_arguments
from experiments.training.saving import Saving
from registry.errors import Problem, SpecError

Spec = Mapping[str, Any]


class Report(Protocol):
    """What came of filling a model: in a line, and as data, in which `path`, `source`, `content` and `counts` are."""

    def line(self) -> str: ...

    def plain(self) -> dict[str, Any]: ...


class Start(Protocol):
    """Fills a model with weights that were learned before. Raises SpecError."""

    def fill(self, model: nn.Module, data: Data) -> Report: ...


@dataclass(frozen=True)
class Parts:
    """What a spec comes to: the data, and the task with its model in it.

    start: what fills the model before its first step; a resumed training has its weights from its checkpoint.
    """

    data: Data
    task: Task
    start: Start | None = None


BuildParts = Callable[[Spec], Parts]


def built(spec: Spec, build_parts: BuildParts) -> Parts:
    """Parts with weights drawn from the initialisation stream of the spec's seed, and the data read."""
    with initialisation(int(spec.get("seed", 0))):
        parts = build_parts(spec)
    parts.data.prepare()
    return parts


@dataclass(frozen=True)
class Outlets:
    """Where a rank tells of itself; nowhere, unless it is the first."""

    loggers: Sequence[Logger] = ()
    callbacks: Sequence[Callback] = ()
    saved: Callable[[int], None] = lambda step: None
    started: Callable[[Report], None] = lambda report: None


@dataclass
class Fit:
    """A training that is set up: `run` does it.

    until: see `Saving`. Raises SpecError where the `trainer:` block does not go with this machine.
    """

    spec: Spec
    folder: Path
    parts: Parts
    place: Place
    interrupts: Interrupts
    until: int | None = None
    outlets: Outlets = Outlets()
    meter: Meter = field(default_factory=Meter)

    def __post_init__(self) -> None:
        task, data, trainer = self.parts.task, self.parts.data, self.spec.get("trainer", {})
        self.ranks = Ranks(self.place.rank, self.place.world)
        self.train, self.valid = data.train_loader(), data.eval_loader()
        self.test = data.eval_loader("test") if "test" in data.splits() else None
        if self.ranks.world > 1:
            self._share()
        task.ranks, task.batches = self.ranks, self.train
        self.early_stop = self._early_stop()
        metric, every = Metric(**self.spec.get("metric") or {}), (self.spec.get("checkpoint") or {}).get("every")
        checkpoints = self.folder / "checkpoints"
        self.saving = Saving(checkpoints, metric, every, self.interrupts, self.outlets.saved, self.until)
        arguments = trainer_arguments(trainer, len(self.train)) | together_arguments(trainer, self.ranks.world)
        self.max_steps = int(arguments["max_steps"])
        self.trainer = self._trainer(arguments)

    @property
    def reason(self) -> str | None:
        """Why the training ended before its last step; None if it did not."""
        short = self.trainer.global_step < self.max_steps
        return self.early_stop.reason if self.early_stop and short else None

    @property
    def metrics(self) -> dict[str, float]:
        """Of the last validation, and of the best weights on the test split."""
        return self.saving.metrics | self.parts.task.test_metrics

    def run(self, path: Path | None) -> None:
        """Train, from a checkpoint if there is one; then evaluate on the test split, if there is one, once.

        What is evaluated are the weights that did best in validation.

        Without a checkpoint it begins with the weights that `init_from` names, where the spec has one.

        Raises Diverged, Interrupted, Paused; SpecError where those weights have changed since they were planned with.
        """
        task, saving, trainer = self.parts.task, self.saving, self.trainer
        self._stop_if_asked()
        if path is None and self.parts.start is not None:
            self.outlets.started(self.parts.start.fill(task.model, self.parts.data))
        try:
            trainer.fit(task, self.train, self.valid, ckpt_path=path, weights_only=True)
        except RuntimeError as error:
            if "Expected to have finished reduction" not in str(error):
                raise
            words = "some weights have no part in the loss, which ddp does not allow"
            raise _refused("trainer.strategy", f"{words}: set it to ddp_find_unused_parameters_true") from error
        if saving.validated_step != trainer.global_step and trainer.limit_val_batches:
            best_before = saving.best_step
            trainer.validate(task, self.valid, verbose=False)
            if saving.best_step != best_before and self.ranks.first:
                copy_checkpoint(saving.last, saving.best)
        self._stop_if_asked()
        if self.test is not None and trainer.limit_test_batches:
            if saving.best.is_file():
                # not as Lightning's `ckpt_path`, which would set the callbacks back too
                task.model.load_state_dict(model_state(read_checkpoint(saving.best)))
            trainer.test(task, self.test, verbose=False)

    def _share(self) -> None:
        if self.train.batch_size < self.ranks.world:
            words = f"a batch has {self.train.batch_size} rows, fewer than there are processes ({self.ranks.world})"
            raise _refused("data.batch_size", words)
        for loader in (self.train, self.valid, self.test):
            if loader is not None:
                loader.share = Share(self.ranks.rank, self.ranks.world)

    def _early_stop(self) -> EarlyStop | None:
        options = self.spec.get("early_stopping")
        return EarlyStop(EarlyStopping(**options)) if options else None

    def _trainer(self, arguments: Mapping[str, Any]) -> Trainer:
        before = [self.meter, DropoutStream(int(self.spec.get("seed", 0)), self.ranks), DivergenceGuard()]
        stopping = [self.early_stop] if self.early_stop else []
        try:
            trainer = Trainer(
                **arguments,
                logger=list(self.outlets.loggers),
                # saving comes after all whose state it saves, and may raise, so what only tells comes before it
                callbacks=[*before, *stopping, *self.outlets.callbacks, self.saving, self.interrupts],
                plugins=[AtomicCheckpointIO(), Known(self.place)],
                default_root_dir=self.folder,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                enable_autolog_hparams=False,
                num_sanity_val_steps=0,
            )
        except (MisconfigurationException, ValueError) as error:
            raise _refused("trainer", " ".join(str(error).split())) from error
        # Lightning's handlers would end with exit code 0, and talk to other ranks in the middle of anything
        trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]
        return trainer

    def _stop_if_asked(self) -> None:
        self.interrupts.agree()
        self.interrupts.stop_if_agreed()


def finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def _refused(path: str, words: str) -> SpecError:
    return SpecError([Problem(path, words)])
