"""Find the objects in an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from blocks.tap import Tap
from blocks.topology import EncoderDecoder
from experiments.data.base import Data
from experiments.data.loader import Batch
from experiments.data.vision.boxes import in_pixels
from experiments.losses import Objects, Predictions, SetLoss, Weights, set_loss
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.average_precision import Seen, average_precision
from experiments.tasks.base import Answer, Sums, Task
from registry import Need, part
from registry.types import Fraction

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@part("task", "detection", paper="Carion et al. 2020 (DETR), arXiv 2005.12872, section 3.1 and appendix A.2")
class Detection(Task):
    """A set of objects for each image, each a class and a box: every true object is matched with one prediction.

    Batches hold `images`, float [b c H W], with `valid`, bool [b H W], False on pixels that only fill an image up; and
    its objects: `labels`, int [b t], `boxes`, float [b t 4], centre and size as shares of the image, and `present`,
    bool [b t], False where an image has fewer than t objects.

    Validation, of the last layer: loss, its parts classes, l1 and giou, and cardinality_error, by how many objects an
    answer is too long or too short; map_50 and map, mean average precision at an overlap of 0.5 and over 0.5, 0.55,
    ..., 0.95 (COCO's, by pycocotools), where every query says its likeliest object: nothing suppresses boxes that
    overlap.

    cost: what a match costs. weights: of the parts of the loss. no_object: weight of the class that says so.
    auxiliary: the loss of what the head reads of each earlier decoder layer is added.
    """

    provides = frozenset({"set"})
    needs = (
        Need("model", "source", "queries read an image"),
        Need("model.head", "boxes", "it compares boxes"),
        Need("data", "objects", "every image needs its objects"),
    )
    metrics = ("loss", "classes", "l1", "giou", "cardinality_error", "map", "map_50")

    def __init__(
        self,
        model: EncoderDecoder,
        data: Data,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        cost: Weights = Weights(),  # noqa: B008 (frozen)
        weights: Weights = Weights(),  # noqa: B008 (frozen)
        no_object: Fraction = 0.1,
        auxiliary: bool = True,
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.cost, self.weights, self.no_object, self.auxiliary = cost, weights, no_object, auxiliary
        self.seen: list[Seen] = []

    @property
    def detector(self) -> EncoderDecoder:
        return cast(EncoderDecoder, self.model)

    def loss(self, batch: Batch) -> Tensor:
        return self.compare(self.predict(batch, earlier=self.auxiliary), batch).total

    def begin(self, split: str) -> None:
        super().begin(split)
        self.seen = []

    def add(self, batch: Batch, batch_idx: int) -> None:
        [said] = self.predict(batch, earlier=False)
        self.take(self.sums(said, batch))
        self.seen += seen(said, batch)

    def measure(self, batch: Batch) -> Sums:
        [said] = self.predict(batch, earlier=False)
        return self.sums(said, batch)

    def sums(self, said: Predictions, batch: Batch) -> Sums:
        """What `measure` measures, of predictions that there are."""
        [found] = self.compare([said], batch).layers
        images, queries = said.logits.shape[:2]
        matched = sum(len(pairs.queries) for pairs in found.matching)
        weight = matched + self.no_object * (images * queries - matched)
        boxes = batch["present"].sum()
        return {
            "nats": found.classes * weight,
            "weight": torch.tensor(weight),
            "l1": found.l1 * boxes,
            "giou": found.giou * boxes,
            "boxes": boxes,
            "cardinality_error": found.cardinality_error * images,
            "images": torch.tensor(images),
        }

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        boxes = max(1.0, sums["boxes"])
        classes, l1, giou = sums["nats"] / sums["weight"], sums["l1"] / boxes, sums["giou"] / boxes
        loss = self.weights.classes * classes + self.weights.l1 * l1 + self.weights.giou * giou
        error = sums["cardinality_error"] / sums["images"]
        found = [image for of_rank in self.ranks.gather(self.seen) for image in of_rank]
        parts = {"loss": loss, "classes": classes, "l1": l1, "giou": giou, "cardinality_error": error}
        return parts | average_precision(found)

    def count(self, batch: Batch) -> int:
        """Objects stand for tokens."""
        return int(batch["present"].sum())

    def weight(self, batch: Batch) -> float:
        """Images; where ranks have unequal numbers of objects, their box losses are joined only nearly so."""
        return len(batch["images"])

    def predict(self, batch: Batch, *, earlier: bool) -> Sequence[Predictions]:
        """What the last decoder layer says, behind what the earlier ones say where asked for."""
        tap = Tap(attention=False) if earlier else None
        last = self.detector.run(source=batch["images"], source_valid=batch["valid"], tap=tap)
        # the stream goes on as it is: only what the head reads is normed
        between = [] if tap is None else tap.hidden["decoder"][1:-1]
        outputs = [*(self.detector.read_out(self.detector.decoder.norm(hidden)) for hidden in between), last]
        return [Predictions(output.logits, output.beside["boxes"]) for output in outputs]

    def compare(self, said: Sequence[Predictions], batch: Batch) -> SetLoss:
        given = zip(batch["labels"], batch["boxes"], batch["present"], strict=True)
        objects = [Objects(labels[there], boxes[there]) for labels, boxes, there in given]
        return set_loss(said, objects, cost=self.cost, weights=self.weights, no_object=self.no_object)

    def answers(self, batch: Batch) -> list[Answer]:
        """objects: of the queries whose likeliest class is not "no object", surest first.

        Each a label, a score (the probability of the label) and a box: left, top, width and height in pixels of the
        image as the model reads it.
        """
        [said] = self.predict(batch, earlier=False)
        names = self.data.class_names
        found = []
        for size, logits, boxes in zip(sizes(batch), said.logits, said.boxes, strict=True):
            probabilities = logits.softmax(-1)
            labels = probabilities.argmax(-1)
            there = torch.nonzero(labels < len(names)).flatten()
            scores = probabilities[there, labels[there]]
            rows = zip(in_pixels(boxes[there], size).tolist(), labels[there].tolist(), scores.tolist(), strict=True)
            objects = [{"label": names[label], "score": score, "box": box} for box, label, score in rows]
            found.append({"objects": sorted(objects, key=lambda entry: -entry["score"])})
        return found

    def figure(self, batch: Batch, row: int, answer: Answer) -> Figure | None:
        """The image with the boxes that were found, and with the true ones where they are known."""
        picture = self.data.picture(batch, row)
        if picture is None:
            return None
        from experiments.tasks.pictures.image import Box, draw_boxes

        found = [Box.of(entry["box"], f"{entry['label']} {entry['score']:.0%}") for entry in answer["objects"]]
        true = []
        if "present" in batch:
            there = batch["present"][row]
            boxes = in_pixels(batch["boxes"][row, there], sizes(batch)[row]).tolist()
            labels = batch["labels"][row, there].tolist()
            true = [Box.of(box, self.data.class_names[label]) for box, label in zip(boxes, labels, strict=True)]
        return draw_boxes(picture, found, true)


def sizes(batch: Batch) -> Tensor:
    """Height and width of each image without what fills it up, int [b 2]."""
    valid = batch["valid"]
    return torch.stack([valid.any(2).sum(1), valid.any(1).sum(1)], dim=1)


def seen(said: Predictions, batch: Batch) -> list[Seen]:
    """Every query's likeliest object, its probability for a score, beside the true ones."""
    scores, labels = said.logits.softmax(-1)[..., :-1].max(-1)
    found = []
    for i, size in enumerate(sizes(batch)):
        there = batch["present"][i]
        tensors = (
            in_pixels(said.boxes[i], size),
            labels[i],
            scores[i],
            in_pixels(batch["boxes"][i, there], size),
            batch["labels"][i, there],
        )
        height, width = size.tolist()
        found.append(Seen((height, width), *(tensor.detach().cpu().double().numpy() for tensor in tensors)))
    return found
