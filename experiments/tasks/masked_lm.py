"""Tell hidden tokens, and whether one text follows another."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from blocks.embedding import Marks
from blocks.topology import Encoder, Topology
from experiments.data.loader import Batch, rows_of
from experiments.data.masked_text import MaskedText
from experiments.data.masking import are_text
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, Sums, Task, perplexity
from registry import Need, part
from registry.types import PositiveInt


@part("task", "masked_lm", paper="Devlin et al. 2018, arXiv 1810.04805, section 3.1")
class MaskedLM(Task):
    """Masked language model: mean cross-entropy over the tokens to be told, plus that over the pairs of segments.

    Validation: loss, the mean of each part added up; masked_accuracy (likeliest token) and masked_perplexity; with
    pairs (data.pairs: next_sentence) nsp_accuracy, the ends nsp_low and nsp_high of its 95 % interval (Wilson 1927),
    and nsp_pairs, how many there are.

    likeliest: how many fillers an answer names for each <mask>.
    """

    are_text: Tensor
    needs = (
        Need("model", "bidirectional", "it tells a token from those on both sides"),
        Need("model", "one stream", "there is one text to read"),
        Need("model.head", "tokens", "it compares tokens"),
        Need("data", "masked text", "some tokens have to be hidden"),
    )
    metrics = ("loss", "masked_accuracy", "masked_perplexity", "nsp_accuracy", "nsp_low", "nsp_high", "nsp_pairs")

    def __init__(
        self,
        model: Topology,
        data: MaskedText,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        likeliest: PositiveInt = 5,
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.text = data
        self.likeliest = likeliest
        self.register_buffer("are_text", torch.from_numpy(are_text(data.tokenizer)), persistent=False)

    def loss(self, batch: Batch) -> Tensor:
        sums = self.measure(batch)
        loss = sums["nats"] / sums["tokens"]
        if "pair_nats" not in sums:
            return loss
        # a rank's loss counts by its tokens to be told; so that pairs count by their number, see `weight`
        whole = self._whole(batch)
        share = (self.weight(whole) / self.weight(batch)) / rows_of(whole)
        return loss + sums["pair_nats"] * share

    def weight(self, batch: Batch) -> float:
        """Tokens to be told."""
        return int(batch["scored"].sum())

    def measure(self, batch: Batch) -> Sums:
        told, follows = self.read(batch, batch["scored"])
        targets = batch["targets"][batch["scored"]]
        sums = {
            "nats": functional.cross_entropy(told, targets, reduction="sum"),
            "right": (told.argmax(-1) == targets).sum(),
            "tokens": torch.tensor(len(targets)),
        }
        if "follows" in batch:
            # the first number of the head is for "it follows"
            labels = (~batch["follows"]).long()
            sums["pair_nats"] = functional.cross_entropy(follows, labels, reduction="sum")
            sums["pairs_right"] = (follows.argmax(-1) == labels).sum()
            sums["pairs"] = torch.tensor(len(labels))
        return sums

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        masked = sums["nats"] / sums["tokens"]
        metrics = {
            "loss": masked,
            "masked_accuracy": sums["right"] / sums["tokens"],
            "masked_perplexity": perplexity(masked),
        }
        if "pairs" in sums:
            low, high = interval(int(sums["pairs_right"]), int(sums["pairs"]))
            metrics |= {
                "loss": masked + sums["pair_nats"] / sums["pairs"],
                "nsp_accuracy": sums["pairs_right"] / sums["pairs"],
                "nsp_low": low,
                "nsp_high": high,
                "nsp_pairs": sums["pairs"],
            }
        return metrics

    def read(self, batch: Batch, told: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the tokens to be told [t v], and of whether the second segment follows [b 2]; none without pairs.

        told: bool [b n]. Of the other tokens, which are most, the head makes nothing.
        """
        model = cast(Encoder, self.model)
        hidden, at = model.encode(batch["tokens"], Marks(valid=batch["valid"], types=batch.get("types")))
        logits = model.head(hidden[told].unsqueeze(0), at, model.embedding).squeeze(0)
        beside = model.head.beside(hidden, at, model.embedding)
        return logits, beside.get("nsp", hidden.new_empty(0, 2))

    def answers(self, batch: Batch) -> list[Answer]:
        """masks: of each <mask> the likeliest fillers with their probabilities. text: with the likeliest ones in place.

        follows: the probability that the second segment follows the first, where there are two.
        """
        masks = batch["tokens"] == self.text.mask
        logits, follows = self.read(batch, masks)
        by_row = torch.split(logits, masks.sum(1).tolist())
        return [self._answer(batch, row, logits, follows) for row, logits in enumerate(by_row)]

    def _answer(self, batch: Batch, row: int, logits: Tensor, follows: Tensor) -> Answer:
        """logits: of the masks of this row, [t v]."""
        tokenizer, tokens = self.text.tokenizer, batch["tokens"][row].clone()
        places = (tokens == self.text.mask).nonzero().flatten()
        # only tokens of text can stand behind a mask
        possible = logits.softmax(-1)[:, : len(self.are_text)] * self.are_text
        chances, ids = possible.topk(min(self.likeliest, int(self.are_text.sum())), dim=-1)
        masks = [
            [{"text": tokenizer.decode([i]), "probability": p} for i, p in zip(of.tolist(), ps.tolist(), strict=True)]
            for of, ps in zip(ids, chances, strict=True)
        ]
        tokens[places] = ids[:, 0]
        answer: dict[str, Any] = {"text": tokenizer.decode(tokens.tolist()), "masks": masks}
        if "types" in batch and int(batch["types"][row].max()) > 0:
            answer["follows"] = follows[row].softmax(-1).tolist()[0]
        return answer


def interval(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share of successes (Wilson 1927, score interval)."""
    from scipy.stats import binomtest

    found = binomtest(right, of).proportion_ci(confidence_level=0.95, method="wilson")
    return float(found.low), float(found.high)
