"""What every task promises: a loss to train on, and numbers to validate with."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional

from experiments.data.base import Data
from experiments.data.loader import Batch, TrainLoader, rows_of
from experiments.optimizers.base import Optimizer, learning_rate
from experiments.ranks import ALONE, Ranks
from experiments.schedules.base import Schedule
from registry import Need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Sums = dict[str, Tensor]
Answer = dict[str, Any]
"""What a trained model says to one input, as plain data that JSON can hold."""


class Task(LightningModule, ABC):
    """A model, what it learns and how: the one place where batches meet the loss.

    model: any module that the task can call, see `loss`.

    Where several processes train together each sees a share of every batch; the losses, counts and metrics are those
    of the whole batches all the same.
    """

    family: ClassVar[str] = "task"
    needs: ClassVar[Iterable[Need]] = ()
    """What it asks of the model, its head and the data."""
    provides: ClassVar[frozenset[str]] = frozenset()
    """What it is: a "set" of answers, of which none follows another."""
    metrics: ClassVar[tuple[str, ...]] = ()
    """Names of what `summarise` may hold, `*` for a part that depends on the data; none where it is not known before.

    A spec's `metric` has to be one of them, with "valid/" in front.
    """

    def __init__(self, model: nn.Module, data: Data, optimizer: Optimizer, schedule: Schedule) -> None:
        super().__init__()
        self.model = model
        self.data = data
        self.recipe = (optimizer, schedule)
        self.tokens_seen = 0
        self.spec: dict[str, Any] = {}
        self.fingerprint = ""
        self.ranks: Ranks = ALONE
        self.batches: TrainLoader | None = None
        self.last_loss: Tensor | None = None
        self.last_metrics: dict[str, float] = {}
        self.test_metrics: dict[str, float] = {}
        self.split = "valid"
        self._sums: Sums = {}

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """The mean loss in nats over the whole batch, padding left out; a scalar."""

    @abstractmethod
    def measure(self, batch: Batch) -> Sums:
        """Sums over an evaluation batch, to be added up over batches."""

    @abstractmethod
    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        """Metrics from the sums over all batches of a split; names without "valid/"."""

    def answers(self, batch: Batch) -> list[Answer]:
        """What the model says to each row of a batch of new inputs, which need not hold the right answers."""
        raise NotImplementedError(f"task '{type(self).__name__}' does not answer new inputs")

    def figure(self, batch: Batch, row: int, answer: Answer) -> Figure | None:
        """A picture of one input with what the model says to it; None where there is nothing to look at."""
        return None

    def facts(self) -> dict[str, Any]:
        """What a reader of its metrics has to know, as plain data for the summary: the signature of a score, say."""
        return {}

    def count(self, batch: Batch) -> int:
        """How many tokens the model learns from in a batch; rate and budget count these. Rows where there are none."""
        if "valid" in batch:
            return int(batch["valid"].sum())
        tokens = batch.get("tokens")
        return rows_of(batch) if tokens is None or tokens.is_floating_point() else tokens.numel()

    def weight(self, batch: Batch) -> float:
        """How many things `loss` is the mean over in a batch, tokens unless said otherwise."""
        return self.count(batch)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, whole, logging = self.loss(batch), self._whole(batch), self._is_logging_step(batch_idx)
        self.tokens_seen += self.count(whole)
        self.last_loss = loss.detach()
        if self.ranks.world > 1:
            # gradients are averaged over the ranks, so that together they are those of the mean over the whole batch
            loss = loss * (self.ranks.world * self.weight(batch) / self.weight(whole))
            if loss.device.type == "cpu" or logging:
                mean = self.ranks.total(float(loss.detach())) / self.ranks.world
                self.last_loss = torch.tensor(mean, dtype=torch.float64)
        if logging:
            rate = learning_rate(self.trainer.optimizers[0])
            self.record({"train/loss": float(self.last_loss), "lr": rate}, self.global_step + 1)
        return loss

    def on_validation_epoch_start(self) -> None:
        self.begin("valid")

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, batch_idx)

    def on_validation_epoch_end(self) -> None:
        self.last_metrics = self._metrics()

    def on_test_epoch_start(self) -> None:
        self.begin("test")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        self.test_metrics = self._metrics()

    def begin(self, split: str) -> None:
        """An evaluation on "valid" or "test" begins."""
        self.split, self._sums = split, {}

    def add(self, batch: Batch, batch_idx: int) -> None:
        """Take a batch of it into account."""
        self.take(self.measure(batch))

    def take(self, sums: Sums) -> None:
        """Add what was measured on a batch."""
        for name, value in sums.items():
            value = value.double()
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def _evaluate(self, batch: Batch, batch_idx: int) -> None:
        # this rank's share of a short batch may be nothing
        if rows_of(batch):
            self.add(batch, batch_idx)

    def _metrics(self) -> dict[str, float]:
        sums: dict[str, float] = {}
        for found in self.ranks.gather({name: float(value) for name, value in self._sums.items()}):
            for name, value in found.items():
                sums[name] = sums.get(name, 0.0) + value
        metrics = {f"{self.split}/{name}": value for name, value in self.summarise(sums).items()}
        self.record(metrics, self.global_step)
        return metrics

    def _whole(self, batch: Batch) -> Batch:
        """The batch that this rank's share is of."""
        return batch if self.batches is None or self.ranks.world == 1 else self.batches.whole

    def record(self, values: dict[str, float], step: int) -> None:
        """Hand numbers to every logger now, so that they are on disk before a checkpoint of this step."""
        if not self.loggers:
            # nor is there always a training whose passes could be counted
            return
        # Lightning's own count is one too high after the last step, and depends on where a run was resumed
        steps_per_pass = math.ceil(self.trainer.num_training_batches / self.trainer.accumulate_grad_batches)
        epoch = max(0, step - 1) // max(1, steps_per_pass)
        for logger in self.loggers:
            logger.log_metrics({**values, "epoch": epoch}, step)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["spec"], checkpoint["data"] = self.spec, self.fingerprint

    def configure_optimizers(self) -> Any:
        optimizer, schedule = self.recipe
        built = optimizer.build(self.model, mixed=str(self.trainer.precision).endswith("mixed"))
        # not Lightning's `estimated_stepping_batches`, which starts the data before a checkpoint can set their position
        steps = schedule.build(built, self.trainer.max_steps if self.trainer.max_steps > 0 else math.inf)
        return {"optimizer": built, "lr_scheduler": {"scheduler": steps, "interval": "step"}}

    def _is_logging_step(self, batch_idx: int) -> bool:
        """Every `log_every_n_steps` optimizer steps, at the batch that completes the step."""
        # an attribute that Lightning sets without declaring it
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if not every or (self.global_step + 1) % every:
            return False
        completes = (batch_idx + 1) % self.trainer.accumulate_grad_batches == 0
        return completes or batch_idx + 1 == self.trainer.num_training_batches


MARKS = ("valid", "segment", "prefix", "globals", "types")


def marks(batch: Batch) -> Batch:
    """What a batch says beside the tokens, as a model with one stream takes it."""
    return {name: batch[name] for name in MARKS if name in batch}


SmoothedOver: TypeAlias = Literal["all", "others"]
"""Which tokens of the vocabulary share the smoothed part of a target: all, or all but the target itself."""


def perplexity(nats: float) -> float:
    """The exponential of a mean in nats; infinite where that is too large for a number."""
    return math.exp(nats) if nats < 700 else math.inf


def token_nats(
    logits: Tensor, targets: Tensor, valid: Tensor | None, smoothing: float = 0.0, over: SmoothedOver = "all"
) -> tuple[Tensor, Tensor]:
    """Cross-entropy summed over the valid tokens, and how many they are.

    smoothing: share e of each target that is spread evenly. over: all v tokens, so that the target keeps 1 - e + e / v
    (torch; Szegedy et al. 2016, arXiv 1512.00567, section 7), or the others, so that it keeps 1 - e, less the entropy
    of these targets, so that the least possible sum is 0 (tensor2tensor, with which the first Transformer was trained).
    logits: [b n v]; targets: [b n]; valid: [b n] bool or None for all. Returns two scalars.
    """
    if valid is not None:
        # left-out tokens by index, so that whatever stands in the padding cannot reach the sum, NaN included
        logits, targets = logits[valid], targets[valid]
    else:
        logits, targets = logits.flatten(0, 1), targets.flatten()
    if smoothing and over == "others":
        nats = _spread_over_others(logits, targets, smoothing)
    else:
        nats = functional.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing)
    return nats, torch.tensor(targets.numel(), device=targets.device)


def _spread_over_others(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Divergence of targets that keep 1 - smoothing from the prediction. logits: [t v]; targets: [t] -> scalar."""
    keep, each = 1 - smoothing, smoothing / max(logits.shape[1] - 1, 1)
    entropy = -keep * math.log(keep) - smoothing * math.log(each)
    likely = logits.log_softmax(-1)
    of_target = likely.gather(1, targets.unsqueeze(1)).squeeze(1)
    return (-(keep - each) * of_target - each * likely.sum(1) - entropy).sum()
