"""Predict the next token."""

from __future__ import annotations

import math

from torch import Tensor, nn

from experiments.data.base import Data
from experiments.data.loader import Batch
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Sums, Task, token_nats
from registry import Need, part
from registry.types import Probability


@part("task", "causal_lm")
class CausalLM(Task):
    """Next-token prediction: mean cross-entropy over the tokens of the batch.

    Validation: loss (nats per token), perplexity (its exponential), bits per byte of text, accuracy (likeliest token).

    label_smoothing: share of the target spread over the whole vocabulary, in training only.
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
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.label_smoothing = label_smoothing
        self.register_buffer("sizes", data.sizes(), persistent=False)

    def loss(self, batch: Batch) -> Tensor:
        nats, tokens = token_nats(self.logits(batch), batch["targets"], batch.get("valid"), self.label_smoothing)
        return nats / tokens

    def measure(self, batch: Batch) -> Sums:
        logits, targets, valid = self.logits(batch), batch["targets"], batch.get("valid")
        return token_sums(logits, targets, valid, self.sizes)

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        return token_metrics(sums)

    def logits(self, batch: Batch) -> Tensor:
        """[b n v]"""
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
