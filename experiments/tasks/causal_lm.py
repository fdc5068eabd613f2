"""Predict the next token."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn

from experiments.data.base import Data
from experiments.data.loader import Batch
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import SmoothedOver, Sums, Task, token_nats
from experiments.tasks.carried import Carried
from registry import Need, part
from registry.types import Probability


@part("task", "causal_lm")
class CausalLM(Task):
    """Next-token prediction: mean cross-entropy over the tokens of the batch.

    A model with a memory carries it from batch to batch where the data continue each other (data.order: contiguous).
    Validation: loss (nats per token), perplexity (its exponential), bits per byte of text, accuracy (likeliest token).

    label_smoothing: share of the target spread over the vocabulary, in training only. label_smoothing_over: all of it,
    as torch does, or the others than the target, as tensor2tensor does.
    """

    sizes: Tensor
    needs = (
        Need("model", "decoder", "it predicts each token from those before it"),
        Need("model.head", "tokens", "it compares tokens"),
        Need("data", "running text", "it reads windows of text"),
    )

    def __init__(
        self,
        model: nn.Module,
        data: Data,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        label_smoothing: Probability = 0.0,
        label_smoothing_over: SmoothedOver = "all",
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.smoothing: tuple[float, SmoothedOver] = label_smoothing, label_smoothing_over
        self._training, self._validation = Carried(model), Carried(model)
        self.register_buffer("sizes", data.sizes(), persistent=False)

    def loss(self, batch: Batch) -> Tensor:
        logits = self.logits(batch, self._training)
        nats, tokens = token_nats(logits, batch["targets"], batch.get("valid"), *self.smoothing)
        return nats / tokens

    def measure(self, batch: Batch) -> Sums:
        logits, targets, valid = self.logits(batch, self._validation), batch["targets"], batch.get("valid")
        return token_sums(logits, targets, valid, self.sizes)

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        return token_metrics(sums)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        if self._training.has_memory:
            checkpoint["memory"] = self.ranks.gather(self._training.state_dict())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        of_ranks = checkpoint.get("memory", [])
        self._training.load_state_dict(of_ranks[self.ranks.rank] if of_ranks else [])

    def logits(self, batch: Batch, carried: Carried) -> Tensor:
        """[b n v]; a model with a memory reads batches that continue each other as one text."""
        if carried.has_memory and "continues" in batch:
            return carried.read(batch["tokens"], batch["continues"])
        given = {"valid": batch["valid"]} if "valid" in batch else {}
        logits: Tensor = self.model(batch["tokens"], **given)
        return logits


def token_sums(logits: Tensor, targets: Tensor, valid: Tensor | None, sizes: Tensor) -> Sums:
    """What `token_metrics` needs of a batch. logits: [b n v]; targets, valid: [b n]; sizes: [v] bytes a token."""
    if valid is not None:
        logits, targets = logits[valid][None], targets[valid][None]
    nats, tokens = token_nats(logits, targets, None)
    right = (logits.argmax(-1) == targets).sum()
    return {"nats": nats, "tokens": tokens, "right": right, "bytes": sizes[targets].sum()}


def token_metrics(sums: dict[str, float]) -> dict[str, float]:
    """Every metric weighted by tokens (bits per byte: by bytes of text), not by batches."""
    loss = sums["nats"] / sums["tokens"]
    return {
        "loss": loss,
        "perplexity": math.exp(loss) if loss < 700 else math.inf,
        "bits_per_byte": sums["nats"] / sums["bytes"] / math.log(2),
        "accuracy": sums["right"] / sums["tokens"],
    }
