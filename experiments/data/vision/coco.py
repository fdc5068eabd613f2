"""Objects in images, as annotation files of COCO have them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.data.content import read_text
from experiments.data.errors import BadData
from experiments.data.vision.boxes import Objects


@dataclass(frozen=True)
class Annotated:
    """Images with what is in them. paths, sizes (height and width) and objects: of each; names: of the classes.

    left_out: boxes of crowds, and those of which nothing lies inside their image.
    """

    paths: Sequence[Path]
    sizes: Sequence[tuple[int, int]]
    objects: Sequence[Objects]
    names: Sequence[str]
    left_out: int = 0


def read_coco(path: Path, folder: Path, names: Sequence[str] | None = None) -> Annotated:
    """An annotation file: {"images": [...], "annotations": [...], "categories": [...]}.

    images: each an id, a file_name in `folder`, height and width. annotations: each an image_id, a category_id and a
    bbox, [left, top, width, height] in pixels. categories: each an id and a name. Boxes are cut at the edges of their
    image; crowds are left out. names: of the classes in training; this file may have no others. Raises BadData.
    """
    content = _object(path)
    images, categories = (_entries(path, content, name) for name in ("images", "categories"))
    class_of = {_get(path, "categories", row, entry, "id"): entry for row, entry in enumerate(categories)}
    called = {number: str(entry.get("name", number)) for number, entry in class_of.items()}
    if names is None:
        names = [called[number] for number in sorted(called)]
    unseen = [name for name in called.values() if name not in names]
    if unseen:
        raise BadData(path, f"category '{unseen[0]}' is not in the training file, which has {', '.join(names[:8])}")
    place = {_get(path, "images", row, entry, "id"): row for row, entry in enumerate(images)}
    sizes = [_size(path, row, entry) for row, entry in enumerate(images)]
    boxes: list[list[list[float]]] = [[] for _ in images]
    labels: list[list[int]] = [[] for _ in images]
    left_out = 0
    for row, entry in enumerate(_entries(path, content, "annotations", empty=True)):
        image, category = (_get(path, "annotations", row, entry, name) for name in ("image_id", "category_id"))
        if image not in place:
            raise BadData(path, f"annotations[{row}] is of image {image}, which images does not have")
        if category not in called:
            raise BadData(path, f"annotations[{row}] has category {category}, which categories does not have")
        box = _inside(_box(path, row, entry), sizes[place[image]])
        if box is None or entry.get("iscrowd"):
            left_out += 1
            continue
        boxes[place[image]].append(box)
        labels[place[image]].append(list(names).index(called[category]))
    objects = [
        Objects(np.array(found, np.float32).reshape(-1, 4), np.array(numbers, np.int64))
        for found, numbers in zip(boxes, labels, strict=True)
    ]
    paths = [folder / str(_get(path, "images", row, entry, "file_name")) for row, entry in enumerate(images)]
    return Annotated(paths, sizes, objects, names, left_out)


def _object(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise BadData(path, f"no JSON: {error.msg}", row=error.lineno) from None
    if not isinstance(content, dict):
        raise BadData(path, "no annotation file of COCO: it should hold images, annotations and categories")
    return content


def _entries(path: Path, content: Mapping[str, Any], name: str, *, empty: bool = False) -> list[dict[str, Any]]:
    found = content.get(name)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise BadData(path, f"no list '{name}' as COCO has it; there are {', '.join(content) or 'none'}")
    if not found and not empty:
        raise BadData(path, f"the list '{name}' is empty")
    return found


def _get(path: Path, where: str, row: int, entry: Mapping[str, Any], name: str) -> Any:
    if entry.get(name) is None:
        raise BadData(path, f"{where}[{row}] has no {name}")
    return entry[name]


def _size(path: Path, row: int, entry: Mapping[str, Any]) -> tuple[int, int]:
    height, width = (_get(path, "images", row, entry, name) for name in ("height", "width"))
    if not all(isinstance(side, int) and side > 0 for side in (height, width)):
        raise BadData(path, f"images[{row}] has height {height} and width {width}; they are whole numbers from 1 on")
    return height, width


def _box(path: Path, row: int, entry: Mapping[str, Any]) -> list[float]:
    box = _get(path, "annotations", row, entry, "bbox")
    fine = isinstance(box, list) and len(box) == 4 and all(isinstance(n, int | float) for n in box)
    if not fine or not all(math.isfinite(n) for n in box):
        raise BadData(path, f"annotations[{row}] has the bbox {box}; it is [left, top, width, height] in pixels")
    return [float(n) for n in box]


def _inside(box: Sequence[float], size: tuple[int, int]) -> list[float] | None:
    """What of a box lies in an image (height and width); None if nothing does."""
    left, top = max(0.0, box[0]), max(0.0, box[1])
    right, bottom = min(size[1], box[0] + box[2]), min(size[0], box[1] + box[3])
    return None if right <= left or bottom <= top else [left, top, right - left, bottom - top]
