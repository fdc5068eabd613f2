"""Objects in images as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from experiments.data.loader import Batch


@dataclass(frozen=True)
class Objects:
    """What is in an image. boxes: float [t 4], left, top, width and height in pixels; labels: int [t]."""

    boxes: np.ndarray
    labels: np.ndarray


def side_by_side(images: Sequence[Tensor], objects: Sequence[Objects] | None = None) -> Batch:
    """Images [c H W] of different sizes, padded at the right and below with zeros, and what is in them.

    images: [b c H W]; valid: bool [b H W]. With objects: labels: int [b t]; boxes: float [b t 4], centre and size as
    shares of the image itself, padding left out; present: bool [b t].
    """
    sizes = torch.tensor([image.shape[1:] for image in images])
    height, width = sizes.amax(0).tolist()
    padded = torch.zeros(len(images), images[0].shape[0], height, width)
    for place, image in zip(padded, images, strict=True):
        place[:, : image.shape[1], : image.shape[2]] = image
    rows = torch.arange(height) < sizes[:, :1]
    columns = torch.arange(width) < sizes[:, 1:]
    batch = {"images": padded, "valid": rows[:, :, None] & columns[:, None, :]}
    return batch if objects is None else {**batch, **_answers(sizes, objects)}


def _answers(sizes: Tensor, objects: Sequence[Objects]) -> Batch:
    # one place at least, so that no tensor is empty
    most = max(1, *(len(found.labels) for found in objects))
    labels = torch.zeros(len(objects), most, dtype=torch.long)
    boxes, present = torch.zeros(len(objects), most, 4), torch.zeros(len(objects), most, dtype=torch.bool)
    for i, found in enumerate(objects):
        count = len(found.labels)
        if count:
            pixels = torch.from_numpy(found.boxes).float()
            extent = sizes[i].flip(0).repeat(2)
            boxes[i, :count] = torch.cat([pixels[:, :2] + pixels[:, 2:] / 2, pixels[:, 2:]], dim=1) / extent
            labels[i, :count] = torch.from_numpy(found.labels)
            present[i, :count] = True
    return {"labels": labels, "boxes": boxes, "present": present}


def flipped(image: Tensor, objects: Objects) -> tuple[Tensor, Objects]:
    """Left and right change places. image: [c H W]."""
    boxes = objects.boxes.copy()
    if len(boxes):
        boxes[:, 0] = image.shape[-1] - boxes[:, 0] - boxes[:, 2]
    return image.flip(-1), Objects(boxes, objects.labels)


def in_pixels(boxes: Tensor, size: Tensor) -> Tensor:
    """Shares of an image to pixels: centre and size [n 4] -> left, top, width and height. size: height and width."""
    boxes = boxes * size.flip(0).repeat(2).to(boxes)
    return torch.cat([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, 2:]], dim=1)
