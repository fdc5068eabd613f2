"""Translate: an encoder reads the source, a decoder writes the target."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from blocks.generation import Decoding, generate
from blocks.topology import Topology
from experiments.data.loader import Batch
from experiments.data.parallel import ParallelText
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, SmoothedOver, Sums, Task, token_nats
from experiments.tasks.causal_lm import token_metrics, token_sums
from registry import Need, part
from registry.types import NonNegativeFloat, NonNegativeInt, PositiveInt, Probability

MORE = 50
"""A translation has at most so many tokens more than its source (Vaswani et al. 2017, section 6.1)."""


@part(
    "task",
    "translation",
    paper="Vaswani et al. 2017, arXiv 1706.03762, sections 5.4 (label_smoothing 0.1) and 6.1 (beams 4, length_penalty "
    "0.6)",
)
class Translation(Task):
    """Translation: mean cross-entropy over the target tokens of the batch, <eos> included.

    Validation: loss, perplexity, bits per byte, accuracy as for causal_lm, and BLEU and chrF (sacrebleu, its default
    signatures, which the summary holds) of greedy translations against the whole reference sentences. Of the test split
    all is translated, by beam search where asked for, as new inputs are.

    label_smoothing: share of the target spread over the vocabulary, in training only. label_smoothing_over: all of it,
    as torch does, or the others than the target, as tensor2tensor does.
    decode_batches: how many validation batches to translate each time, from the first on; 0 leaves BLEU and chrF out,
        of the test split too. beams, length_penalty: of the search, as for decoding; 1 beam is greedy.
    """

    sizes: Tensor
    needs = (
        Need("model", "source", "it reads one text and writes another"),
        Need("model.head", "tokens", "it compares tokens"),
        Need("data", "pairs", "every sentence needs its translation"),
    )
    metrics = ("loss", "perplexity", "bits_per_byte", "accuracy", "bleu", "chrf")

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
        beams: PositiveInt = 1,
        length_penalty: NonNegativeFloat = 0.6,
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.smoothing: tuple[float, SmoothedOver] = label_smoothing, label_smoothing_over
        self.decode_batches = decode_batches
        self.beams, self.length_penalty = beams, length_penalty
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
        whole = self.split == "test" and self.decode_batches
        if whole or batch_idx < self.decode_batches:
            references, rows = self.pairs.rows(self.split).texts, batch["rows"].tolist()
            found = self.translate(batch, self.beams if whole else 1)
            self.translations += zip(found, (references[row] for row in rows), strict=True)

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

    def translate(self, batch: Batch, beams: int) -> list[str]:
        """The model's translation of each source of a batch."""
        tokenizer, source = self.pairs.tokenizer, batch["source"]
        start = torch.full_like(source[:, :1], tokenizer.special("<bos>"))
        longest = min(self.pairs.length, source.shape[1] + MORE)
        stop, alpha = tokenizer.special("<eos>"), self.length_penalty
        decoding = Decoding(max_new_tokens=longest, stop=stop, beams=beams, length_penalty=alpha)
        valid, model = batch["source_valid"], cast(Topology, self.model)
        ids = generate(model, start, decoding, source=source, source_valid=valid).tolist()
        return [tokenizer.decode(found) for found in ids]

    def answers(self, batch: Batch) -> list[Answer]:
        """translation: a text."""
        return [{"translation": text} for text in self.translate(batch, self.beams)]

    def facts(self) -> dict[str, Any]:
        """How sacrebleu scored, in its own words."""
        return signatures() if self.decode_batches else {}


def overlap(translations: list[tuple[str, str]]) -> dict[str, float]:
    """Corpus BLEU and chrF of (translation, reference) pairs."""
    found, references = [list(side) for side in zip(*translations, strict=True)]
    return {name: metric.corpus_score(found, [references]).score for name, metric in _metrics().items()}


def signatures() -> dict[str, str]:
    """sacrebleu's signature of each score: everything that changes it."""
    found = {}
    for name, metric in _metrics().items():
        # it is known only once something has been scored
        metric.corpus_score(["a"], [["a"]])
        found[f"{name}_signature"] = str(metric.get_signature())
    return found


def _metrics() -> dict[str, Any]:
    import sacrebleu

    return {"bleu": sacrebleu.BLEU(), "chrf": sacrebleu.CHRF()}
