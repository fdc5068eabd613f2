"""Predict the next token."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from experiments.data.base import Data
from experiments.data.loader import Batch
from experiments.data.tokenizers import Tokenizer
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, SmoothedOver, Sums, Task, marks, perplexity, token_nats
from experiments.tasks.carried import Carried
from registry import Need, part
from registry.types import Probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    metrics = ("loss", "perplexity", "bits_per_byte", "accuracy")

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

    def answers(self, batch: Batch) -> list[Answer]:
        """How likely each text is, read in windows of the length that the model was trained on.

        bits_per_byte and nats: of the whole text but its first token, which follows nothing. tokens: each with the nats
        that it cost, null for the first.
        """
        tokens = batch["tokens"]
        valid = batch.get("valid", torch.ones_like(tokens, dtype=torch.bool))
        nats = self.surprises(tokens, valid)
        return [self._answer(ids[there], cost[there[1:]]) for ids, there, cost in zip(tokens, valid, nats, strict=True)]

    def surprises(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """Nats of each token but the first, given those before it in its window. tokens, valid: [b n] -> [b n-1]."""
        carried, costs = Carried(self.model), []
        continues = torch.ones(len(tokens), dtype=torch.bool, device=tokens.device)
        # its data have a length: they are running text
        length = cast(int, self.data.length)
        for start in range(0, tokens.shape[1] - 1, length):
            window = slice(start, min(start + length, tokens.shape[1] - 1))
            targets = tokens[:, 1:][:, window]
            read = {"tokens": tokens[:, window], "valid": valid[:, window], "continues": continues & (start > 0)}
            likely = self.logits(read, carried).log_softmax(-1)
            costs.append(-likely.gather(-1, targets.unsqueeze(-1)).squeeze(-1))
        return torch.cat(costs, dim=1)

    def _answer(self, ids: Tensor, nats: Tensor) -> Answer:
        # its data have a tokenizer: they are running text
        tokenizer = cast(Tokenizer, self.data.tokenizer)
        total, length = float(nats.sum()), int(self.sizes[ids[1:]].sum())
        costs = [None, *nats.tolist()]
        pieces = [{"token": tokenizer.decode([i]), "nats": cost} for i, cost in zip(ids.tolist(), costs, strict=True)]
        return {"bits_per_byte": total / length / math.log(2) if length else None, "nats": total, "tokens": pieces}

    def figure(self, batch: Batch, row: int, answer: Answer) -> Figure:
        """The text, each token the darker the less it was expected."""
        from experiments.tasks.pictures.surprise import surprise_picture

        return surprise_picture(answer)

    def logits(self, batch: Batch, carried: Carried) -> Tensor:
        """[b n v]; a model with a memory reads batches that continue each other as one text."""
        if carried.has_memory and "continues" in batch:
            return carried.read(batch["tokens"], batch["continues"])
        logits: Tensor = self.model(batch["tokens"], **marks(batch))
        return logits


def token_sums(logits: Tensor, targets: Tensor, valid: Tensor | None, sizes: Tensor) -> Sums:
    """What `token_metrics` needs of a batch. logits: [b n v]; targets, valid: [b n]; sizes: [v] bytes a token."""
    if valid is not None:
        logits, targets = logits[valid][None], targets[valid][None]
    nats, tokens = token_nats(logits, targets, None)
    right = (logits.argmax(-1) == targets).sum()
    return {"nats": nats, "tokens": tokens, "right": right, "bytes": sizes[targets].sum()}


def token_metrics(sums: dict[str, float]) -> dict[str, float]:
    """Every metric weighted by tokens (bits per byte: by bytes of text), not by batches.

    No bits per byte where nobody knows how many bytes a token stands for, see `Tokenizer.sizes`.
    """
    loss = sums["nats"] / sums["tokens"]
    of_bytes = {"bits_per_byte": sums["nats"] / sums["bytes"] / math.log(2)} if sums["bytes"] else {}
    return {
        "loss": loss,
        "perplexity": perplexity(loss),
        **of_bytes,
        "accuracy": sums["right"] / sums["tokens"],
    }
