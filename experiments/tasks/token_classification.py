"""Tell the class of every word, or of every symbol."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.data.labelled_tokens import LabelledTokens
from experiments.data.loader import Batch
from experiments.data.reading.label_counts import macro_f1
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, Sums, Task, marks
from registry import Need, part
from registry.types import Probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@part("task", "token_classification", paper="Devlin et al. 2018, arXiv 1810.04805, section 5.3")
class TokenClassification(Task):
    """One class for each unit of a sequence: mean cross-entropy over the labelled tokens of the batch.

    Validation: loss, accuracy, and f1, the mean over the classes of the F1 of each (macro F1), whatever their number.

    label_smoothing: share of the target spread over all classes, in training only.
    """

    needs = (
        Need("model", "one stream", "there is one sequence to read"),
        Need("model.head", "token classes", "it compares classes of tokens"),
        Need("data", "token labels", "every unit needs its label"),
    )
    metrics = ("loss", "accuracy", "f1")

    def __init__(
        self,
        model: nn.Module,
        data: LabelledTokens,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        label_smoothing: Probability = 0.0,
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.label_smoothing = label_smoothing
        self.tagged = data

    def logits(self, batch: Batch) -> Tensor:
        """Of the labelled tokens alone, row by row, [t classes]."""
        found: Tensor = self.model(batch["tokens"], **marks(batch))
        return found[batch["labelled"]]

    def loss(self, batch: Batch) -> Tensor:
        logits, labels = self.logits(batch), batch["labels"][batch["labelled"]]
        return functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)

    def weight(self, batch: Batch) -> float:
        return int(batch["labelled"].sum())

    def measure(self, batch: Batch) -> Sums:
        logits, labels = self.logits(batch), batch["labels"][batch["labelled"]]
        told, classes = logits.argmax(-1), logits.shape[-1]
        counts = {"hits": labels[told == labels], "told": told, "true": labels}
        by_class = {name: torch.bincount(of, minlength=classes) for name, of in counts.items()}
        return {
            "nats": functional.cross_entropy(logits, labels, reduction="sum"),
            "labels": torch.tensor(len(labels)),
            **{f"{name} {i}": count[i] for name, count in by_class.items() for i in range(classes)},
        }

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        classes = sum(name.startswith("hits ") for name in sums)
        hits, told, true = ([sums[f"{name} {i}"] for i in range(classes)] for name in ("hits", "told", "true"))
        return {
            "loss": sums["nats"] / sums["labels"],
            "accuracy": sum(hits) / sums["labels"],
            "f1": macro_f1(hits, told, true),
        }

    def answers(self, batch: Batch) -> list[Answer]:
        """units; labels: the likeliest class of each; probabilities: of these; text: all as people read it."""
        chances, told = self.logits(batch).softmax(-1).max(-1)
        each, names = batch["labelled"].sum(1).tolist(), self.tagged.class_names
        found = []
        for row, p, classes in zip(range(len(each)), torch.split(chances, each), torch.split(told, each), strict=True):
            units, labels = self._units(batch, row), [names[i] for i in classes.tolist()]
            text = self.tagged.written(units, labels)
            found.append({"text": text, "units": units, "labels": labels, "probabilities": p.tolist()})
        return found

    def figure(self, batch: Batch, row: int, answer: Answer) -> Figure:
        """The units in rows of 40, coloured by their label; the surer, the stronger."""
        from matplotlib import colormaps
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

        names, columns = self.tagged.class_names, 40 if self.tagged.unit == "symbol" else 10
        colours = {name: colormaps["tab20"](i % 20) for i, name in enumerate(names)}
        lines = -(-len(answer["units"]) // columns)
        figure = Figure(figsize=(10.0, 0.6 + 0.35 * lines), layout="constrained")
        axes = figure.add_subplot()
        given = zip(answer["units"], answer["labels"], answer["probabilities"], strict=True)
        for i, (unit, label, p) in enumerate(given):
            y, x = divmod(i, columns)
            axes.axvspan(x, x + 1, 1 - (y + 1) / lines, 1 - y / lines, color=colours[label], alpha=0.8 * p)
            axes.text(x + 0.5, y + 0.5, unit.replace("$", r"\$"), ha="center", va="center", fontsize=8)
        axes.set(xlim=(0, columns), ylim=(lines, 0), xticks=[], yticks=[])
        handles = [Patch(color=colours[name], label=name) for name in names if name in answer["labels"]]
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 0), ncols=6, frameon=False)
        return figure

    def _units(self, batch: Batch, row: int) -> list[str]:
        """The text of each unit, from its tokens."""
        ids, end = batch["tokens"][row].tolist(), int(batch["valid"][row].sum())
        places = [*batch["labelled"][row].nonzero()[:, 0].tolist(), end]
        texts = [self.tagged.tokenizer.decode(ids[a:b]) for a, b in pairwise(places)]
        return [text.strip() for text in texts] if self.tagged.unit == "word" else texts
