"""Answer questions of several tasks with one model that writes."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from blocks.generation import Decoding, generate
from blocks.topology import Topology
from experiments.data.loader import Batch
from experiments.data.text_to_text import TextToText
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, SmoothedOver, Sums, Task, token_nats
from experiments.tasks.causal_lm import token_metrics, token_sums
from experiments.tasks.translation import overlap
from registry import Need, part
from registry.types import NonNegativeInt, Probability


@part("task", "text_to_text", paper="Raffel et al. 2019 (T5), arXiv 1910.10683, section 2.4")
class TextToTextTask(Task):
    """Every task as text: mean cross-entropy over the target tokens of the batch, <eos> included.

    Validation: loss, perplexity, bits per byte and accuracy of tokens as for causal_lm; and of answers decoded
    greedily, by the name of the task: NAME_accuracy, the share that is exactly the target, or NAME_bleu and NAME_chrf
    (sacrebleu, its default signatures) where data.tasks.NAME.score is overlap. score is the mean over the tasks of
    accuracy, in percent, and chrF.

    label_smoothing: share of the target spread over the vocabulary, in training only. label_smoothing_over: all of it,
    as torch does, or the others than the target, as tensor2tensor does.
    decode: how many validation rows of each task are answered each time, from the first on; 0 leaves these metrics
    out. Of the test split all are.
    """

    sizes: Tensor
    needs = (
        Need("model", "source", "it reads one text and writes another"),
        Need("model", "next token", "it writes one token after the other"),
        Need("model.head", "tokens", "it compares tokens"),
        Need("data", "text tasks", "every question needs its answer and the name of its task"),
    )
    metrics = ("loss", "perplexity", "bits_per_byte", "accuracy", "*_accuracy", "*_bleu", "*_chrf", "score")

    def __init__(
        self,
        model: Topology,
        data: TextToText,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        label_smoothing: Probability = 0.0,
        label_smoothing_over: SmoothedOver = "all",
        decode: NonNegativeInt = 128,
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.smoothing: tuple[float, SmoothedOver] = label_smoothing, label_smoothing_over
        self.decode = decode
        self.text = data
        self.register_buffer("sizes", data.sizes(), persistent=False)
        self.answered: list[tuple[str, str, str]] = []
        self._met: dict[int, int] = {}

    def loss(self, batch: Batch) -> Tensor:
        nats, tokens = token_nats(self.logits(batch), batch["targets"], batch["valid"], *self.smoothing)
        return nats / tokens

    def begin(self, split: str) -> None:
        super().begin(split)
        self.answered, self._met = [], {}

    def add(self, batch: Batch, batch_idx: int) -> None:
        super().add(batch, batch_idx)
        # each batch is of one task; ranks, which hold equal places of each batch, agree nearly
        number = int(batch["tasks"][0])
        met = self._met.get(number, 0)
        self._met[number] = met + self.ranks.world * len(batch["tasks"])
        if self.split == "test" or met < self.decode:
            name, references = list(self.text.tasks)[number], self.text.rows(self.split).texts
            rows = batch["rows"].tolist()
            self.answered += [(name, found, references[i]) for found, i in zip(self.written(batch), rows, strict=True)]

    def measure(self, batch: Batch) -> Sums:
        return token_sums(self.logits(batch), batch["targets"], batch["valid"], self.sizes)

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        answered = [answer for found in self.ranks.gather(self.answered) for answer in found]
        metrics, scores = token_metrics(sums), []
        for name, task in self.text.tasks.items():
            pairs = [(found, reference) for of, found, reference in answered if of == name]
            if not pairs:
                continue
            if task.score == "exact":
                share = sum(found == reference for found, reference in pairs) / len(pairs)
                metrics[f"{name}_accuracy"] = share
                scores.append(100 * share)
            else:
                found = overlap(pairs)
                metrics |= {f"{name}_{metric}": value for metric, value in found.items()}
                scores.append(found["chrf"])
        return metrics | ({"score": sum(scores) / len(scores)} if scores else {})

    def logits(self, batch: Batch) -> Tensor:
        """[b n v]"""
        source = {"source": batch["source"], "source_valid": batch["source_valid"]}
        logits: Tensor = self.model(batch["tokens"], valid=batch["valid"], **source)
        return logits

    def written(self, batch: Batch) -> list[str]:
        """What the model writes for each row."""
        tokenizer = self.text.tokenizer
        start = torch.full_like(batch["source"][:, :1], tokenizer.special("<bos>"))
        decoding = Decoding(max_new_tokens=self.text.length, stop=tokenizer.special("<eos>"))
        source, source_valid = batch["source"], batch["source_valid"]
        found = generate(cast(Topology, self.model), start, decoding, source=source, source_valid=source_valid)
        return [tokenizer.decode(ids) for ids in found.tolist()]

    def answers(self, batch: Batch) -> list[Answer]:
        """text: what the model writes."""
        return [{"text": text} for text in self.written(batch)]
