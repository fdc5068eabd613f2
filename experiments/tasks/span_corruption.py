"""Write the spans that were dropped from a text."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor

from blocks.generation import Decoding, generate
from blocks.topology import Topology
from experiments.data.corrupted_text import CorruptedText
from experiments.data.loader import Batch
from experiments.data.masking import are_text
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, Sums, Task, perplexity, token_nats
from registry import Need, part


@part("task", "span_corruption", paper="Raffel et al. 2019 (T5), arXiv 1910.10683, section 3.1.4")
class SpanCorruption(Task):
    """Span corruption: mean cross-entropy over the target tokens of the batch, sentinels and <eos> included.

    Validation: loss, perplexity and accuracy (likeliest token, given those before it); text_accuracy and
    text_perplexity are those of the tokens of text, among all tokens of text: where a span ends, and with which
    sentinel the next one begins, counts in the loss alone.
    """

    are_text: Tensor
    needs = (
        Need("model", "source", "it reads one text and writes another"),
        Need("model", "next token", "it writes one token after the other"),
        Need("model.head", "tokens", "it compares tokens"),
        Need("data", "corrupted text", "some spans have to be dropped"),
    )
    metrics = ("loss", "perplexity", "accuracy", "text_accuracy", "text_perplexity")

    def __init__(self, model: Topology, data: CorruptedText, optimizer: Optimizer, schedule: Schedule) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.text = data
        self.register_buffer("are_text", torch.from_numpy(are_text(data.tokenizer)), persistent=False)

    def loss(self, batch: Batch) -> Tensor:
        nats, tokens = token_nats(self.logits(batch), batch["targets"], batch["valid"])
        return nats / tokens

    def measure(self, batch: Batch) -> Sums:
        logits, targets = self.logits(batch)[batch["valid"]], batch["targets"][batch["valid"]]
        nats, tokens = token_nats(logits[None], targets[None], None)
        text = self.are_text[targets]
        told, said = targets[text], logits[text].masked_fill(~self.are_text, -math.inf)
        return {
            "nats": nats,
            "tokens": tokens,
            "right": (logits.argmax(-1) == targets).sum(),
            "text": text.sum(),
            "text_nats": torch.nn.functional.cross_entropy(said, told, reduction="sum"),
            "text_right": (said.argmax(-1) == told).sum(),
        }

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        loss, text = sums["nats"] / sums["tokens"], max(1.0, sums["text"])
        return {
            "loss": loss,
            "perplexity": perplexity(loss),
            "accuracy": sums["right"] / sums["tokens"],
            "text_accuracy": sums["text_right"] / text,
            "text_perplexity": perplexity(sums["text_nats"] / text),
        }

    def logits(self, batch: Batch) -> Tensor:
        """[b n v]"""
        source = {"source": batch["source"], "source_valid": batch["source_valid"]}
        logits: Tensor = self.model(batch["tokens"], valid=batch["valid"], **source)
        return logits

    def answers(self, batch: Batch) -> list[Answer]:
        """spans: what the model writes for each <mask>, in order. text: with these in place."""
        tokenizer = self.text.tokenizer
        start = torch.full_like(batch["source"][:, :1], tokenizer.special("<bos>"))
        decoding = Decoding(max_new_tokens=self.text.length, stop=tokenizer.special("<eos>"))
        source, source_valid = batch["source"], batch["source_valid"]
        found = generate(cast(Topology, self.model), start, decoding, source=source, source_valid=source_valid)
        return [self._answer(*row) for row in zip(source.tolist(), found.tolist(), strict=True)]

    def _answer(self, source: list[int], found: list[int]) -> Answer:
        """source: what was read; found: what was written, spans behind their sentinels."""
        gaps = [i for i in source if self.text.is_sentinel(i)]
        spans: dict[int, list[int]] = {}
        for token in found:
            if self.text.is_sentinel(token):
                spans[token] = current = []
            elif spans and self.are_text[token]:
                current.append(token)
        filled = [token for i in source for token in (spans.get(i, []) if i in gaps else [i])]
        decode = self.text.tokenizer.decode
        return {"text": decode(filled), "spans": [decode(spans.get(gap, [])) for gap in gaps]}
