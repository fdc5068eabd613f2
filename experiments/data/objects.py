"""Images of your own with the objects in them, for object detection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.data.base import Data, Items
from experiments.data.content import read_bytes
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.loader import Batch
from experiments.data.vision.boxes import Objects
from experiments.data.vision.cells import cells
from experiments.data.vision.coco import Annotated, read_coco
from experiments.data.vision.normal import Counts
from experiments.data.vision.picture_rows import PictureRows, Pictures, picture_items, picture_of
from experiments.data.vision.pictures import Channels
from experiments.data.vision.reader import Reader
from registry import Need, part
from registry.types import PositiveInt


@dataclass(frozen=True)
class Files:
    """Of one split. annotations: a JSON file as COCO has them. images: the folder that its file names start from."""

    annotations: str
    images: str


@part("data", "objects")
class ObjectImages(Data):
    """Images of any size, and the class and the box of every object in them, from annotation files in COCO's format.

    A batch is as large as its largest image; `valid` is False where a smaller one is filled up. Boxes are cut at the
    edges of their images; what COCO calls a crowd is left out. Every image is read once before the training, to see
    that it can be.

    train, valid, test: the files; there need be no test. longest: larger images are scaled down until no side has
    more pixels. channels: 1 for grey, 3 for colour. flip: in training half of the images are mirrored, anew in each
    pass.
    """

    provides = frozenset({"objects"})
    needs = (Need("model.encoder.embedding", "images", "what is read are images"),)
    length = None

    def __init__(
        self,
        seed: int = 0,
        *,
        train: Files,
        valid: Files,
        test: Files | None = None,
        longest: PositiveInt | None = None,
        channels: Channels = 3,
        flip: bool = False,
        batch_size: PositiveInt = 8,
    ) -> None:
        self.seed = seed
        self.batch_size = batch_size
        self.files = {"train": train, "valid": valid} | ({} if test is None else {"test": test})
        self.longest, self.channels, self.flip = longest, channels, flip
        self._splits: dict[str, Annotated] = {}
        self._pictures: dict[str, Pictures] = {}
        self._objects: dict[str, list[Objects]] = {}
        self._reader: Reader | None = None

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @property
    def class_names(self) -> list[str]:
        if self._reader is not None:
            return list(self._reader.names)
        return list(self.annotated("train").names)

    def annotated(self, split: str) -> Annotated:
        """What the files of a split say; the images are not looked at."""
        if split not in self._splits:
            if split not in self.files:
                raise BadData(split, f"there is no {split} split: give data.{split} its files")
            files = self.files[split]
            names = None if split == "train" else self.class_names
            paths = Path(files.annotations).expanduser(), Path(files.images).expanduser()
            self._splits[split] = read_coco(*paths, names)
        return self._splits[split]

    @property
    def reader(self) -> Reader:
        """How images become numbers; its size is that of the largest."""
        if self._reader is None:
            self.prepare()
        assert self._reader is not None
        return self._reader

    def shape(self) -> Mapping[str, int]:
        return {"encoder.embedding.channels": self.channels, "encoder.embedding.backbone.channels": self.channels}

    def positions(self, model: Mapping[str, Any]) -> int:
        return cells(model["encoder"]["embedding"], *self.reader.size)

    def prepare(self) -> None:
        if self._objects:
            return
        counts, largest = Counts(self.channels), np.zeros(2, int)
        objects = {}
        for split in self.files:
            annotated = self.annotated(split)
            self._pictures[split] = Pictures(annotated.paths, self.channels, self.longest)
            objects[split] = [self._one(split, number, counts, largest) for number in range(len(annotated.paths))]
        height, width = largest.tolist()
        self._reader = Reader((height, width), self.channels, counts.normal(), self.annotated("train").names)
        self._objects = objects

    def _one(self, split: str, number: int, counts: Counts, largest: np.ndarray) -> Objects:
        """The objects of an image, in its pixels as it is read."""
        annotated, pixels = self.annotated(split), self._pictures[split].read(number)
        height, width = annotated.sizes[number]
        # as scaled: a side may be rounded
        factor = 1.0 if self.longest is None else min(1.0, self.longest / max(height, width))
        rows, columns = pixels.shape[:2]
        if abs(rows - height * factor) > 1 or abs(columns - width * factor) > 1:
            said = f"{width} x {height} pixels by its entry in {self.files[split].annotations}"
            raise BadData(annotated.paths[number], f"{said}, but {columns} x {rows} in the file")
        if split == "train":
            counts.add(pixels)
            np.maximum(largest, pixels.shape[:2], out=largest)
        found = annotated.objects[number]
        scale = np.array([columns / width, rows / height] * 2, np.float32)
        return Objects(found.boxes * scale, found.labels)

    def splits(self) -> list[str]:
        return list(self.files)

    def rows(self, split: str) -> PictureRows:
        self.prepare()
        if split not in self._objects:
            raise BadData(split, f"there is no {split} split: give data.{split} its files")
        normal, flip = self.reader.normal, self.flip and split == "train"
        return PictureRows(self._pictures[split], normal, self._objects[split], flip=flip)

    def picture(self, batch: Batch, row: int) -> np.ndarray:
        return picture_of(batch, row, self.reader.normal)

    def about(self) -> dict[str, Any]:
        self.prepare()
        images = {f"{split}_images": len(found) for split, found in self._objects.items()}
        objects = {f"{split}_objects": sum(len(o.labels) for o in found) for split, found in self._objects.items()}
        left_out = {f"{s}_boxes_left_out": found.left_out for s, found in self._splits.items() if found.left_out}
        about = f"images with objects {self.files['train'].annotations}"
        return {"about": about, **images, **objects, **left_out, "classes": self.class_names}

    def fingerprint(self) -> str:
        said = [read_bytes(self.files[split].annotations) for split in ("train", "valid")]
        pixels = [path.read_bytes() for split in ("train", "valid") for path in self.annotated(split).paths]
        return digest(*said, *(digest(content).encode() for content in pixels), repr(self.longest).encode())

    def save(self, folder: Path) -> None:
        self.reader.save(folder)

    def load(self, folder: Path) -> None:
        self._reader = Reader.load(folder)
        if self._reader is None:
            self.prepare()

    def items(self, source: str | Path) -> Items:
        """An image file, or the images in a folder, of any size."""
        return picture_items(source, self.channels, self.reader.normal, self.longest)
