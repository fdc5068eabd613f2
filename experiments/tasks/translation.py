"""Translate: an encoder reads the source, a decoder writes the target."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from blocks.generation import Decoding, generate
from blocks.topology import Topology
from experiments.data.loader import Batch
from experiments.data.parallel import ParallelText
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import SmoothedOver, Sums, Task, token_nats
from experiments.tasks.causal_lm import token_metrics, token_sums
from registry import Need, part
from registry.types import NonNegativeInt, Probability


@part("task", "translation")
class Translation(Task):
    """Translation: mean cross-entropy over the target tokens of the batch, <eos> included.

    Validation: loss, perplexity, bits per byte, accuracy as for causal_lm, and BLEU and chrF (sacrebleu, its default
    signatures) of greedy translations against the whole reference sentences.

    label_smoothing: share of the target spread over the vocabulary, in training only. label_smoothing_over: all of it,
    as torch does, or the others than the target, as tensor2tensor does.
    decode_batches: how many validation batches to translate each time, from the first on; 0 leaves BLEU and chrF out.
    """

    sizes: Tensor
    needs = (
        Need("model", "source", "it reads one text and writes another"),
        Need("model.head", "tokens", "it compares tokens"),
        Need("data", "pairs", "every sentence needs its translation"),
    )

    def __init__(
        self,
        model: Topology,
        data: ParallelText,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        label_smoothing: Probability = 0.1,
        label_smoothing_over: SmoothedOver = "all",
        decode_batches: NonNegativeInt = 4,
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.smoothing: tuple[float, SmoothedOver] = label_smoothing, label_smoothing_over
        self.decode_batches = decode_batches
        self.pairs = data
        self.register_buffer("sizes", data.sizes(), persistent=False)
        self.translations: list[tuple[str, str]] = []

    def loss(self, batch: Batch) -> Tensor:
        nats, tokens = token_nats(self.logits(batch), batch["targets"], batch["valid"], *self.smoothing)
        return nats / tokens

    def begin(self, split: str) -> None:
        super().begin(split)
        self.translations = []

    def add(self, batch: Batch, batch_idx: int) -> None:
        super().add(batch, batch_idx)
        if batch_idx < self.decode_batches:
            self.translations += self.translate(batch)

    def measure(self, batch: Batch) -> Sums:
        return token_sums(self.logits(batch), batch["targets"], batch["valid"], self.sizes)

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        translations = [pair for found in self.ranks.gather(self.translations) for pair in found]
        return token_metrics(sums) | (overlap(translations) if translations else {})

    def logits(self, batch: Batch) -> Tensor:
        """[b n v]"""
        source = {"source": batch["source"], "source_valid": batch["source_valid"]}
        logits: Tensor = self.model(batch["tokens"], valid=batch["valid"], **source)
        return logits

    def translate(self, batch: Batch) -> list[tuple[str, str]]:
        """For each row of an evaluation batch: the model's translation, and the reference."""
        tokenizer = self.pairs.tokenizer
        start = torch.full_like(batch["tokens"][:, :1], tokenizer.special("<bos>"))
        decoding = Decoding(max_new_tokens=self.pairs.length, stop=tokenizer.special("<eos>"))
        source, source_valid = batch["source"], batch["source_valid"]
        ids = generate(cast(Topology, self.model), start, decoding, source=source, source_valid=source_valid).tolist()
        references = self.pairs.rows(self.split).texts
        rows = batch["rows"].tolist()
        return [(tokenizer.decode(found), references[row]) for found, row in zip(ids, rows, strict=True)]


def overlap(translations: list[tuple[str, str]]) -> dict[str, float]:
    """Corpus BLEU and chrF of (translation, reference) pairs."""
    import sacrebleu

    found, references = [list(side) for side in zip(*translations, strict=True)]
    return {
        "bleu": sacrebleu.corpus_bleu(found, [references]).score,
        "chrf": sacrebleu.corpus_chrf(found, [references]).score,
    }
