"""Write down what is said: an encoder hears, a decoder writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from blocks.generation import Decoding, generate
from blocks.topology import Topology
from experiments.data.loader import Batch
from experiments.data.speech import Speech
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, SmoothedOver, Sums, Task, token_nats
from registry import Need, part
from registry.types import NonNegativeFloat, PositiveInt, Probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@part("task", "transcription", paper="Radford et al. 2022 (Whisper), arXiv 2212.04356, section 2")
class Transcription(Task):
    """Speech to text: mean cross-entropy over the tokens of the transcripts of the batch, <eos> included.

    Validation: loss (nats per token), and of the transcripts that the model writes of the whole split: wer, words that
    are wrong, missing or too many as a share of the words that were said (jiwer, over the corpus); wer_strings, the
    same for recordings of two words or more; exact, the share of transcripts without a mistake.

    label_smoothing: share of the target spread over the vocabulary, in training only. label_smoothing_over: all of it,
    as torch does, or the others than the target, as tensor2tensor does.
    beams: width of the beam search that writes; 1 takes the likeliest token. length_penalty: of the beam search.
    """

    needs = (
        Need("model", "source", "it reads sound and writes text"),
        Need("model.head", "tokens", "it compares tokens"),
        Need("data", "speech", "every recording needs its transcript"),
    )
    metrics = ("loss", "wer", "wer_strings", "exact")

    def __init__(
        self,
        model: Topology,
        data: Speech,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        label_smoothing: Probability = 0.0,
        label_smoothing_over: SmoothedOver = "all",
        beams: PositiveInt = 1,
        length_penalty: NonNegativeFloat = 0.6,
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.smoothing: tuple[float, SmoothedOver] = label_smoothing, label_smoothing_over
        self.beams, self.length_penalty = beams, length_penalty
        self.speech = data
        self.written: list[tuple[str, str]] = []

    def loss(self, batch: Batch) -> Tensor:
        nats, tokens = token_nats(self.logits(batch), batch["targets"], batch["valid"], *self.smoothing)
        return nats / tokens

    def begin(self, split: str) -> None:
        super().begin(split)
        self.written = []

    def add(self, batch: Batch, batch_idx: int) -> None:
        super().add(batch, batch_idx)
        texts = self.speech.rows(self.split).texts
        self.written += zip(self.transcripts(batch), (texts[row] for row in batch["rows"].tolist()), strict=True)

    def measure(self, batch: Batch) -> Sums:
        nats, tokens = token_nats(self.logits(batch), batch["targets"], batch["valid"])
        return {"nats": nats, "tokens": tokens}

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        written = [pair for found in self.ranks.gather(self.written) for pair in found]
        return {"loss": sums["nats"] / sums["tokens"]} | word_errors(written)

    def answers(self, batch: Batch) -> list[Answer]:
        """text: the transcript."""
        return [{"text": text} for text in self.transcripts(batch)]

    def figure(self, batch: Batch, row: int, answer: Answer) -> Figure:
        """The spectrogram with the transcript, and where in it the decoder looked for each token."""
        from experiments.tasks.pictures.transcript import transcript_picture

        return transcript_picture(cast(Topology, self.model), self.speech.tokenizer, batch, row, answer["text"])

    def logits(self, batch: Batch) -> Tensor:
        """[b n v]"""
        source = {"source": batch["source"], "source_valid": batch["source_valid"]}
        logits: Tensor = self.model(batch["tokens"], valid=batch["valid"], **source)
        return logits

    def transcripts(self, batch: Batch) -> list[str]:
        """What the model writes for each row; no more tokens than the longest transcript may have."""
        tokenizer = self.speech.tokenizer
        start = torch.full_like(batch["rows"][:, None], tokenizer.special("<bos>"))
        decoding = Decoding(
            max_new_tokens=self.speech.length,
            stop=tokenizer.special("<eos>"),
            beams=self.beams,
            length_penalty=self.length_penalty,
        )
        source, source_valid = batch["source"], batch["source_valid"]
        ids = generate(cast(Topology, self.model), start, decoding, source=source, source_valid=source_valid).tolist()
        return [tokenizer.decode(row) for row in ids]


def word_errors(written: list[tuple[str, str]]) -> dict[str, float]:
    """Word error rates over (transcript, what was said) pairs, and the share of transcripts that are right."""
    import jiwer

    found = {"exact": sum(text.split() == said.split() for text, said in written) / len(written)}
    strings = [(text, said) for text, said in written if len(said.split()) > 1]
    for name, pairs in {"wer": written, "wer_strings": strings}.items():
        if pairs:
            texts, said = [list(side) for side in zip(*pairs, strict=True)]
            found[name] = float(jiwer.wer(said, texts))
    return found
