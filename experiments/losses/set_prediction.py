"""The loss of a set of predicted objects against a set of true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from experiments.losses.boxes import generalised_iou
from experiments.losses.matching import Matching, match
from registry.types import NonNegativeFloat


@dataclass(frozen=True)
class Predictions:
    """What a layer says of a batch. logits: [b n classes + 1], the last class is "no object"; boxes: [b n 4]."""

    logits: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class Objects:
    """What is in one image. labels: int [t]; boxes: [t 4], centre and size as shares of the image."""

    labels: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class Weights:
    """Of the class, of the distance |box - box| summed over its four numbers, and of the generalised overlap."""

    classes: NonNegativeFloat = 1.0
    l1: NonNegativeFloat = 5.0
    giou: NonNegativeFloat = 2.0


@dataclass(frozen=True)
class LayerLoss:
    """Of the predictions of one layer: scalars, and how each image was matched.

    cardinality_error: by how many objects an answer is too long or too short; no part of the total.
    """

    classes: Tensor
    l1: Tensor
    giou: Tensor
    cardinality_error: Tensor
    matching: Sequence[Matching]

    def total(self, weights: Weights) -> Tensor:
        return weights.classes * self.classes + weights.l1 * self.l1 + weights.giou * self.giou


@dataclass(frozen=True)
class SetLoss:
    """total: scalar; layers: its parts, in the order of the layers."""

    total: Tensor
    layers: Sequence[LayerLoss]


def set_loss(
    layers: Sequence[Predictions],
    objects: Sequence[Objects],
    *,
    cost: Weights = Weights(),
    weights: Weights = Weights(),
    no_object: float = 0.1,
) -> SetLoss:
    """Each true object is matched with one prediction; the others are to say "no object". Summed over the layers.

    Carion et al. 2020 (DETR), arXiv 2005.12872, section 3.1 and appendix A.2. Every layer is matched anew.

    layers: predictions of the decoder's layers; objects: of each image. cost: what a match costs, with the probability
    in place of its logarithm. weights: of the parts of the loss. no_object: weight of that class.
    """
    # every layer divides by the same number, that of the batch
    count = max(1, sum(len(image.labels) for image in objects))
    found = [_layer(layer, objects, cost, no_object, count) for layer in layers]
    return SetLoss(torch.stack([layer.total(weights) for layer in found]).sum(), found)


def _layer(said: Predictions, objects: Sequence[Objects], cost: Weights, no_object: float, count: int) -> LayerLoss:
    labels, boxes = (
        torch.cat(found) for found in zip(*((image.labels, image.boxes) for image in objects), strict=True)
    )
    per_image = [len(image.labels) for image in objects]
    costs = _costs(said.logits.detach().softmax(-1), said.boxes.detach(), labels, boxes, per_image, cost)
    matching = [match(of_image) for of_image in costs]
    # the same pairs, numbered through the whole batch
    image = torch.cat([torch.full_like(pairs.queries, i) for i, pairs in enumerate(matching)])
    query = torch.cat([pairs.queries for pairs in matching])
    before = accumulate(per_image, initial=0)
    target = torch.cat([pairs.targets + first for pairs, first in zip(matching, before, strict=False)])
    answers = torch.full(said.logits.shape[:2], said.logits.shape[-1] - 1, device=said.logits.device)
    answers[image, query] = labels[target]
    mine, true = said.boxes[image, query], boxes[target]
    return LayerLoss(
        classes=_classes(said.logits, answers, no_object),
        l1=(mine - true).abs().sum() / count,
        giou=(1 - generalised_iou(mine, true)).sum() / count,
        cardinality_error=_cardinality_error(said.logits, objects),
        matching=matching,
    )


def _costs(
    probabilities: Tensor, boxes: Tensor, labels: Tensor, true: Tensor, per_image: Sequence[int], weights: Weights
) -> Sequence[Tensor]:
    """What each prediction would cost for each object of its image.

    probabilities: [b n classes + 1]; boxes: [b n 4]; labels: int [t] and true: [t 4], of all images one after another;
    per_image: how many each has, [b] -> b times [n t of the image]
    """
    # each image beside the objects of all is more than is needed, but one product for the whole batch
    ours, theirs = rearrange(boxes, "b n xywh -> b n 1 xywh"), rearrange(true, "t xywh -> 1 1 t xywh")
    costs = (
        -weights.classes * probabilities[..., labels]
        + weights.l1 * (ours - theirs).abs().sum(-1)
        - weights.giou * generalised_iou(ours, theirs)
    )
    return [of_image[i] for i, of_image in enumerate(torch.split(costs, list(per_image), dim=-1))]


def _classes(logits: Tensor, answers: Tensor, no_object: float) -> Tensor:
    """Cross-entropy over all queries, a mean by weight: "no object" is the answer of nearly all."""
    weight = torch.ones(logits.shape[-1], dtype=logits.dtype, device=logits.device)
    weight[-1] = no_object
    return functional.cross_entropy(rearrange(logits, "b n c -> b c n"), answers, weight)


@torch.no_grad()
def _cardinality_error(logits: Tensor, objects: Sequence[Objects]) -> Tensor:
    """Mean difference between the number of objects that are named and of those that are there."""
    named = (logits.argmax(-1) != logits.shape[-1] - 1).sum(1)
    there = torch.tensor([len(image.labels) for image in objects], device=logits.device)
    return (named - there).abs().to(logits.dtype).mean()
