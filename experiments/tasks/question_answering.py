"""Find the answer to a question in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from experiments.data.base import Data
from experiments.data.loader import Batch
from experiments.data.questions import Questions
from experiments.data.reading.asked import NOWHERE
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, Sums, Task, marks
from experiments.tasks.span_scores import exact_match, token_f1
from registry import Need, part
from registry.types import PositiveInt

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@part("task", "question_answering", paper="Devlin et al. 2018, arXiv 1810.04805, section 4.2")
class QuestionAnswering(Task):
    """The span of a text that answers a question.

    loss = mean over the questions of -(log p(start) + log p(end)) / 2, softmaxes over the tokens of the text alone. The
    answer is the span with the highest start + end, its end not before its start.

    Validation: loss, exact_match and f1 (the words that an answer and the right one share), both as SQuAD defines them,
    and places (share of questions with start and end right).

    longest: the most tokens in an answer.
    """

    needs = (
        Need("model", "one stream", "question and text are one row"),
        Need("model.head", "spans", "it tells where answers begin and end"),
        Need("data", "questions", "every question needs a text and an answer"),
    )
    metrics = ("loss", "exact_match", "f1", "places")

    def __init__(
        self,
        model: nn.Module,
        data: Data,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        longest: PositiveInt = 30,
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.longest = longest

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of starts and of ends, -inf outside the text. [b n] each."""
        found = self.model(batch["tokens"], **marks(batch)).masked_fill(~batch["context"].unsqueeze(-1), -torch.inf)
        start, end = found.unbind(-1)
        return start, end

    def loss(self, batch: Batch) -> Tensor:
        return self._nats(*self.logits(batch), batch) / max(1.0, self.weight(batch))

    def weight(self, batch: Batch) -> float:
        """Questions that have an answer."""
        return int((batch["starts"] != NOWHERE).sum())

    def measure(self, batch: Batch) -> Sums:
        start, end = self.logits(batch)
        first, last, _ = best_spans(start, end, self.longest)
        rows = cast(Questions, self.data).rows(self.split)
        right = [rows.answer(row) for row in batch["rows"].tolist()]
        pairs = list(zip(self._texts(batch, first, last), right, strict=True))
        return {
            "nats": self._nats(start, end, batch),
            "answered": torch.tensor(self.weight(batch)),
            "places": ((first == batch["starts"]) & (last == batch["ends"])).sum(),
            "exact": torch.tensor(sum(exact_match(*pair) for pair in pairs)),
            "f1": torch.tensor(sum(token_f1(*pair) for pair in pairs)),
            "questions": torch.tensor(len(pairs)),
        }

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        questions = sums["questions"]
        return {
            "loss": sums["nats"] / max(1.0, sums["answered"]),
            "exact_match": sums["exact"] / questions,
            "f1": sums["f1"] / questions,
            "places": sums["places"] / questions,
        }

    def answers(self, batch: Batch) -> list[Answer]:
        """answer: the text; probability: of its start times that of its end."""
        first, last, chance = best_spans(*self.logits(batch), self.longest)
        texts = self._texts(batch, first, last)
        return [{"answer": text, "probability": p} for text, p in zip(texts, chance.tolist(), strict=True)]

    def figure(self, batch: Batch, row: int, answer: Answer) -> Figure:
        """Probabilities of the start and the end at each token of the text."""
        from matplotlib.figure import Figure

        with torch.no_grad():
            start, end = (side[row].softmax(-1).cpu() for side in self.logits(batch))
        inside = batch["context"][row].cpu()
        ids = batch["tokens"][row].cpu()[inside].tolist()
        assert self.data.tokenizer is not None
        pieces = [self.data.tokenizer.decode([i]) for i in ids]
        figure = Figure(figsize=(max(6.0, 0.16 * len(ids)), 3.0), layout="constrained")
        axes = figure.add_subplot()
        places = torch.arange(len(ids)).numpy()
        axes.bar(places - 0.2, start[inside].numpy(), 0.4, label="start")
        axes.bar(places + 0.2, end[inside].numpy(), 0.4, label="end")
        axes.set_xticks(places, [piece.replace("$", r"\$") for piece in pieces], rotation=90, fontsize=6)
        axes.set_ylabel("probability")
        axes.set_title(str(answer["answer"]).strip().replace("$", r"\$"))
        axes.legend()
        return figure

    def _nats(self, start: Tensor, end: Tensor, batch: Batch) -> Tensor:
        sides = ((start, batch["starts"]), (end, batch["ends"]))
        sums = [functional.cross_entropy(s, t, ignore_index=NOWHERE, reduction="sum") for s, t in sides]
        return (sums[0] + sums[1]) / 2

    def _texts(self, batch: Batch, first: Tensor, last: Tensor) -> list[str]:
        assert self.data.tokenizer is not None
        spans = zip(batch["tokens"].tolist(), first.tolist(), last.tolist(), strict=True)
        return [self.data.tokenizer.decode(row[a : b + 1]).strip() for row, a, b in spans]


def best_spans(start: Tensor, end: Tensor, longest: int) -> tuple[Tensor, Tensor, Tensor]:
    """First and last place of the likeliest span of each row, and its probability. start, end: [b n] -> [b] each."""
    n = start.shape[1]
    chances = start.log_softmax(-1).unsqueeze(2) + end.log_softmax(-1).unsqueeze(1)
    place = torch.arange(n, device=start.device)
    width = place - place.unsqueeze(1)
    allowed = (width >= 0) & (width < longest)
    best, where = rearrange(chances.masked_fill(~allowed, -torch.inf), "b s e -> b (s e)").max(-1)
    return where // n, where % n, best.exp()
