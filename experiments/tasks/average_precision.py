"""How well detected objects agree with true ones, by COCO's rules."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Seen:
    """One image: what a model found in it, and what is there.

    size: height and width in pixels. boxes: [n 4], left, top, width, height in pixels; labels: int [n]; scores: [n].
    true_boxes: [t 4]; true_labels: int [t].
    """

    size: tuple[int, int]
    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    true_boxes: np.ndarray
    true_labels: np.ndarray


def average_precision(images: Sequence[Seen]) -> dict[str, float]:
    """Mean average precision by pycocotools: `map_50` at an overlap of 0.5, `map` over 0.5, 0.55, ..., 0.95.

    The mean is over the classes that there are objects of. Nothing is left out of an answer (no suppression of boxes
    that overlap). Empty where there is no object in any image.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    if not any(len(image.true_labels) for image in images):
        return {}
    found = _detections(images)
    if not len(found):
        return {"map": 0.0, "map_50": 0.0}
    # it tells about its progress on the terminal
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = _truth(images)
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {"map": float(evaluation.stats[0]), "map_50": float(evaluation.stats[1])}


def _detections(images: Sequence[Seen]) -> np.ndarray:
    """[n 7]: image, box, score, class."""
    rows = [
        np.column_stack([np.full(len(image.labels), number), image.boxes, image.scores, image.labels])
        for number, image in enumerate(images)
    ]
    return np.concatenate(rows).astype(np.float64)


def _truth(images: Sequence[Seen]) -> dict[str, object]:
    """As an annotation file of COCO has it."""
    objects = [
        {"image_id": number, "category_id": int(label), "bbox": box.tolist(), "area": float(box[2] * box[3])}
        for number, image in enumerate(images)
        for box, label in zip(image.true_boxes, image.true_labels, strict=True)
    ]
    named = {int(label) for image in images for label in (*image.true_labels, *image.labels)}
    return {
        "images": [{"id": n, "height": image.size[0], "width": image.size[1]} for n, image in enumerate(images)],
        # 0 would be taken for no match
        "annotations": [{**entry, "id": number, "iscrowd": 0} for number, entry in enumerate(objects, start=1)],
        "categories": [{"id": label, "name": str(label)} for label in sorted(named)],
    }
