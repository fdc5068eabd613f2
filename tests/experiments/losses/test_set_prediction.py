from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from experiments.losses import Objects, Predictions, Weights, set_loss
from experiments.losses.boxes import generalised_iou

CLASSES = 3
OBJECTS = [
    Objects(torch.tensor([2, 0]), torch.tensor([[0.2, 0.3, 0.2, 0.2], [0.7, 0.6, 0.4, 0.3]])),
    Objects(torch.tensor([], dtype=torch.long), torch.zeros(0, 4)),
]


def random(seed: int, queries: int = 4) -> Predictions:
    dice = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, queries, CLASSES + 1, generator=dice)
    return Predictions(logits.requires_grad_(), torch.rand(2, queries, 4, generator=dice).requires_grad_())


def by_hand(said: Predictions, pairs: list[list[tuple[int, int]]], no_object: float) -> tuple[float, float, float]:
    """The three parts, query by query; pairs: (query, target) of each image."""
    log, total, weights, l1, giou = said.logits.detach().log_softmax(-1), 0.0, 0.0, 0.0, 0.0
    for i, image in enumerate(OBJECTS):
        answer = {q: int(image.labels[t]) for q, t in pairs[i]}
        for q in range(log.shape[1]):
            weight = 1.0 if q in answer else no_object
            total -= weight * float(log[i, q, answer.get(q, CLASSES)])
            weights += weight
        for q, t in pairs[i]:
            box = said.boxes.detach()[i, q]
            l1 += float((box - image.boxes[t]).abs().sum())
            giou += 1 - float(generalised_iou(box, image.boxes[t]))
    return total / weights, l1 / 2, giou / 2


def test_the_parts_are_those_of_the_matched_pairs() -> None:
    said = random(0)
    [found] = set_loss([said], OBJECTS, no_object=0.3).layers
    pairs = [list(zip(m.queries.tolist(), m.targets.tolist(), strict=True)) for m in found.matching]
    assert [len(p) for p in pairs] == [2, 0]
    right = by_hand(said, pairs, 0.3)
    assert [float(part.detach()) for part in (found.classes, found.l1, found.giou)] == pytest.approx(right, rel=1e-5)


def test_the_total_weighs_the_parts_and_adds_the_layers() -> None:
    layers, weights = [random(0), random(1)], Weights(classes=2.0, l1=3.0, giou=4.0)
    found = set_loss(layers, OBJECTS, weights=weights)
    right = sum(2 * x.classes + 3 * x.l1 + 4 * x.giou for x in found.layers)
    torch.testing.assert_close(found.total, right)
    alone = [set_loss([layer], OBJECTS, weights=weights) for layer in layers]
    torch.testing.assert_close(found.total, alone[0].total + alone[1].total)
    matched = [layer.matching[0].queries.tolist() for layer in found.layers]
    assert matched == [one.layers[0].matching[0].queries.tolist() for one in alone], "each layer is matched by itself"


def confident(classes: list[int], boxes: Tensor) -> Predictions:
    logits = torch.full((2, len(classes), CLASSES + 1), -20.0)
    logits[:, torch.arange(len(classes)), torch.tensor(classes)] = 20.0
    return Predictions(logits, boxes.expand(2, -1, -1))


def test_a_match_costs_by_class_distance_and_overlap_as_weighted() -> None:
    near, far = [0.2, 0.3, 0.2, 0.2], [0.9, 0.9, 0.1, 0.1]
    [one] = [Objects(OBJECTS[0].labels[:1], OBJECTS[0].boxes[:1])]
    # the first says the right class, the second has the right box
    said = confident([2, 1], torch.tensor([far, near]))

    def matched(**cost: float) -> int:
        weights = Weights(**{"classes": 0.0, "l1": 0.0, "giou": 0.0, **cost})
        return int(set_loss([said], [one, one], cost=weights).layers[0].matching[0].queries)

    assert (matched(classes=1.0), matched(l1=1.0), matched(giou=1.0)) == (0, 1, 1)
    # the probability counts, not its logarithm: one unit at most against a distance of 1.5
    assert (matched(classes=1.0, l1=0.5), matched(classes=1.0, l1=1.0)) == (0, 1)


def test_cardinality_error_counts_objects() -> None:
    boxes = torch.rand(4, 4)
    [found] = set_loss([confident([0, 1, 2, CLASSES], boxes)], OBJECTS).layers
    assert float(found.cardinality_error) == ((3 - 2) + (3 - 0)) / 2
    [found] = set_loss([confident([CLASSES] * 4, boxes)], OBJECTS).layers
    assert float(found.cardinality_error) == (2 - 0) / 2


def test_images_without_objects_ask_for_nothing_but_silence() -> None:
    said = random(0)
    found = set_loss([said], [OBJECTS[1], OBJECTS[1]])
    [layer] = found.layers
    assert float(layer.l1.detach()) == float(layer.giou.detach()) == 0.0
    assert float(found.total.detach()) == pytest.approx(-float(said.logits.detach().log_softmax(-1)[..., -1].mean()))
    found.total.backward()
    assert said.boxes.grad is not None and not said.boxes.grad.any()


def test_more_objects_than_queries_leave_some_unmatched() -> None:
    many = Objects(torch.zeros(6, dtype=torch.long), torch.rand(6, 4) * 0.5 + 0.25)
    found = set_loss([random(0)], [many, many])
    assert len(found.layers[0].matching[0].queries) == 4
    assert math.isfinite(float(found.total.detach()))


def test_a_prediction_that_is_no_number_shows_in_the_loss() -> None:
    said = random(0)
    boxes = said.boxes.detach().clone()
    boxes[0] = torch.nan
    assert math.isnan(float(set_loss([Predictions(said.logits.detach(), boxes)], OBJECTS).total))
