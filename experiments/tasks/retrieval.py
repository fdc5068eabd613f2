"""Find the text that says the same: two texts are read apart, and their vectors compared."""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor
from torch.nn import functional

from blocks.head import Head
from blocks.topology import Topology
from experiments.data.loader import Batch
from experiments.data.passages import Passages
from experiments.optimizers.base import Optimizer
from experiments.ranks import Ranks
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, Sums, Task
from experiments.tasks.ranking import best_threshold, ranking
from registry import Need, part


@part(
    "task",
    "retrieval",
    paper="Karpukhin et al. 2020 (DPR), arXiv 2004.04906, section 3.2 (in-batch negatives); Radford et al. 2021 "
    "(CLIP), arXiv 2103.00020, section 2.3 (both directions); Tay et al. 2020 (Long Range Arena), arXiv 2011.04006, "
    "section 2.3 (matching)",
)
class Retrieval(Task):
    """Texts that say the same get vectors that go together; one encoder reads both sides, each text by itself.

    contrastive: with s(i, j) the similarity of first text i and second text j of the whole batch,
    loss = mean over i of -(log softmax_j s(i, j) + log softmax_j s(j, i)) / 2 at j = i. The head is `vector`.
    matching: a small network says of two vectors whether their texts belong together: cross-entropy over each row's
    pair, and its first text with a wrong one. The head is `matching`, and the data need `wrong`.

    Validation: loss, and of all texts of the split at once (contrastive alone) recall_at_1, recall_at_10 and mrr, the
    mean of 1 / rank of each first text's partner among all second texts, of equals the worst. pair_accuracy, on the
    data's list of pairs to judge: for matching by the sign of the logit; for contrastive by the threshold that does
    best on the validation split, whose own number is a little too good for it.

    objective: contrastive or matching.
    """

    needs = (
        Need("model", "one stream", "each text is read by itself"),
        Need("model.head", "vector", "it compares texts by a vector for each"),
        Need("model.head", "similarity", "every text is compared with every other", {"objective": "contrastive"}),
        Need("model.head", "match", "a network says whether two texts match", {"objective": "matching"}),
        Need("data", "text pairs", "every text needs its partner"),
    )
    metrics = ("loss", "recall_at_1", "recall_at_10", "mrr", "pair_accuracy")

    def __init__(
        self,
        model: Topology,
        data: Passages,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        objective: Literal["contrastive", "matching"] = "contrastive",
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        if objective == "matching" and data.wrong is None:
            raise ValueError("objective: matching needs texts that do not belong together: set data.wrong, say to near")
        self.objective = objective
        self.passages = data
        self._seen: list[tuple[Tensor, Tensor, Tensor]] = []
        self._threshold = 0.0

    @property
    def head(self) -> Head:
        return cast(Topology, self.model).head

    def vectors(self, batch: Batch, side: str) -> Tensor:
        """Of the texts of a side, "tokens", "partner" or "wrong": [b w]."""
        valid = batch["valid" if side == "tokens" else f"{side}_valid"]
        found: Tensor = self.model(batch[side], valid=valid)
        return found

    def loss(self, batch: Batch) -> Tensor:
        a, b = self.vectors(batch, "tokens"), self.vectors(batch, "partner")
        if self.objective == "contrastive":
            return contrast(self.head, a, b, self.ranks)
        return matched(self.head.compare(a, b), self.head.compare(a, self.vectors(batch, "wrong")))

    def count(self, batch: Batch) -> int:
        """The tokens of all texts."""
        return sum(int(mask.sum()) for name, mask in batch.items() if name.endswith("valid"))

    def weight(self, batch: Batch) -> float:
        return len(batch["tokens"])

    def begin(self, split: str) -> None:
        super().begin(split)
        self._seen = []
        if split == "test" and self.objective == "contrastive":
            self._threshold = self._chosen_on_valid()

    def measure(self, batch: Batch) -> Sums:
        self._seen.append(self._look(batch))
        return {"rows": torch.tensor(len(batch["rows"]))}

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        seen = [each for found in self.ranks.gather(self._seen) for each in found]
        a, b = (side.to(self.device) for side in in_order(seen))
        first, second, same = self._pairs(self.split, len(a)).to(self.device).unbind(1)
        with torch.no_grad():
            return self._matching(a[first], b[second], same) if self.objective == "matching" else self._contrast(a, b)

    def _matching(self, a: Tensor, b: Tensor, same: Tensor) -> dict[str, float]:
        logits = self.head.compare(a, b)
        loss = functional.binary_cross_entropy_with_logits(logits, same.to(logits))
        return {"loss": float(loss), "pair_accuracy": float(((logits > 0) == (same > 0)).double().mean())}

    def _contrast(self, a: Tensor, b: Tensor) -> dict[str, float]:
        # in groups as large as a batch in training, to be compared with the loss there
        size = self.passages.batch_size
        groups = list(zip(torch.split(a, size), torch.split(b, size), strict=True))
        loss = sum(float(contrast(self.head, *group)) * len(group[0]) for group in groups) / len(a)
        scores, same = self._judged(a, b, self.split)
        threshold = best_threshold(scores, same) if self.split == "valid" else self._threshold
        right = float(((scores > threshold) == (same > 0)).double().mean())
        return {"loss": loss, **ranking(self.head.compare(a, b)), "pair_accuracy": right}

    def _judged(self, a: Tensor, b: Tensor, split: str) -> tuple[Tensor, Tensor]:
        """Similarities of the pairs that the data want judged, and whether they are the same."""
        first, second, same = self._pairs(split, len(a)).to(a.device).unbind(1)
        return (a[first] * b[second]).sum(-1), same

    def _pairs(self, split: str, rows: int) -> Tensor:
        """The pairs to be judged among the first rows, which are all unless the trainer limits the evaluation."""
        pairs = self.passages.pairs(split)
        there = pairs[(pairs[:, :2] < rows).all(1)]
        # where none of them is among so few rows, each with its own partner
        return there if len(there) else torch.arange(rows).repeat(3, 1).T.index_fill(1, torch.tensor(2), 1)

    def answers(self, batch: Batch) -> list[Answer]:
        """vector: of the text; where there is a second one similarity, or for matching same, the chance that it is."""
        a = self.vectors(batch, "tokens")
        found: list[Answer] = [{"vector": vector} for vector in a.tolist()]
        if "partner" not in batch:
            return found
        b = self.vectors(batch, "partner")
        if self.objective == "matching":
            return [{"same": p} for p in self.head.compare(a, b).sigmoid().tolist()]
        return [{"similarity": s} for s in (a * b).sum(-1).tolist()]

    def _look(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Numbers of rows [b], vectors of their first and their second texts [b w]."""
        sides = (batch["rows"], self.vectors(batch, "tokens"), self.vectors(batch, "partner"))
        rows, a, b = (side.detach().cpu() for side in sides)
        return rows, a, b

    @torch.no_grad()
    def _chosen_on_valid(self) -> float:
        """The threshold of these weights."""
        batches = ({name: t.to(self.device) for name, t in batch.items()} for batch in self.data.eval_loader())
        scores, same = self._judged(*in_order([self._look(batch) for batch in batches]), "valid")
        return best_threshold(scores, same)


def in_order(seen: list[tuple[Tensor, Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The vectors of both sides in the order of their rows, [rows w] each, in at least single precision."""
    rows, *sides = (torch.cat(side) for side in zip(*seen, strict=True))
    order = rows.argsort()
    a, b = (side[order].to(torch.promote_types(side.dtype, torch.float32)) for side in sides)
    return a, b


def contrast(head: Head, a: Tensor, b: Tensor, ranks: Ranks | None = None) -> Tensor:
    """The loss of telling each text's partner among those of the whole batch. a, b: [b w] -> scalar.

    ranks: each holds some rows of the batch, and gets the mean loss of its own.
    """
    (all_a, first), (all_b, _) = gathered(a, ranks), gathered(b, ranks)
    own = first + torch.arange(len(a), device=a.device)
    forth, back = head.compare(a, all_b), head.compare(b, all_a)
    return (functional.cross_entropy(forth, own) + functional.cross_entropy(back, own)) / 2


def gathered(vectors: Tensor, ranks: Ranks | None) -> tuple[Tensor, int]:
    """The vectors of all ranks, with their gradients, and where this rank's own begin. [b w] -> [c w]."""
    if ranks is None or ranks.world == 1:
        return vectors, 0
    from torch.distributed.nn import functional as across

    counts = ranks.gather(len(vectors))
    # ranks may differ by a row, and what is gathered may not
    padded = functional.pad(vectors, (0, 0, 0, max(counts) - len(vectors)))
    everyone: tuple[Tensor, ...] = across.all_gather(padded)  # type: ignore[no-untyped-call] # torch's own is untyped
    return torch.cat([each[:count] for each, count in zip(everyone, counts, strict=True)]), sum(counts[: ranks.rank])


def matched(right: Tensor, wrong: Tensor) -> Tensor:
    """Mean cross-entropy of logits that ought to be high and others that ought to be low. [b] each -> scalar."""
    logits, same = torch.cat([right, wrong]), torch.cat([torch.ones_like(right), torch.zeros_like(wrong)])
    return functional.binary_cross_entropy_with_logits(logits, same)
