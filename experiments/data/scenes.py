"""Scenes of digits on a cluttered canvas, for object detection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments.data.base import Data, Items
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.loader import Batch, Rows, seeded
from experiments.data.vision.boxes import side_by_side
from experiments.data.vision.cells import cells
from experiments.data.vision.corpora import Corpus, load
from experiments.data.vision.normal import Normal
from experiments.data.vision.picture_rows import picture_items, picture_of
from experiments.data.vision.reader import Reader
from experiments.data.vision.scene import Canvas, Sprites, draw, sprites
from registry import Need, part
from registry.types import NonNegativeFloat, NonNegativeInt, PositiveInt

_SPLITS = ("train", "valid", "test")
_MEASURED = 200
"""So many training scenes tell the mean and the deviation of a pixel."""


@part("data", "scenes")
class Scenes(Data):
    """Grey scenes with 1 to so many small images strewn over them, made when they are needed, each from its own seed.

    Behind the objects are soft blobs of grey, lines, pieces of other images, and noise before everything. Training
    scenes, new ones in each pass, hold images of the corpus's training split; those of validation and test hold images
    of their splits, and are always the same. An object may touch another, but covers at most a tenth of it.

    corpus: the small images that are objects: digits, fashion or clipart.
    side: of the square canvas, in pixels. sizes: of the objects, their longer side before empty edges are cut off.
    objects: the most in a scene. clutter: the most lines, and the most pieces. noise: its standard deviation, black
    being 0 and white 1.
    train_scenes: in a pass. valid_scenes, test_scenes: there are.
    """

    provides = frozenset({"objects"})
    needs = (Need("model.encoder.embedding", "images", "what is read are images"),)
    length = None

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Corpus = "digits",
        side: PositiveInt = 64,
        sizes: Sequence[PositiveInt] = (16, 20, 24),
        objects: PositiveInt = 5,
        clutter: NonNegativeInt = 4,
        noise: NonNegativeFloat = 0.06,
        train_scenes: PositiveInt = 10_000,
        valid_scenes: PositiveInt = 300,
        test_scenes: PositiveInt = 500,
        batch_size: PositiveInt = 32,
    ) -> None:
        self.seed = seed
        self.batch_size = batch_size
        self.corpus: Corpus = corpus
        self.object_sizes = tuple(sizes)
        self.canvas = Canvas(side, objects, clutter, noise)
        self.counts = dict(zip(_SPLITS, (train_scenes, valid_scenes, test_scenes), strict=True))
        self._sprites: dict[str, Sprites] = {}
        self._reader: Reader | None = None

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @property
    def class_names(self) -> list[str]:
        return list(load(self.corpus)["train"].names)

    @property
    def reader(self) -> Reader:
        """How scenes become numbers."""
        if self._reader is None:
            self.prepare()
        assert self._reader is not None
        return self._reader

    def shape(self) -> Mapping[str, int]:
        return {"encoder.embedding.channels": 1, "encoder.embedding.backbone.channels": 1}

    def positions(self, model: Mapping[str, Any]) -> int:
        return cells(model["encoder"]["embedding"], self.canvas.side, self.canvas.side)

    def prepare(self) -> None:
        if self._sprites:
            return
        if not self.object_sizes or max(self.object_sizes) > self.canvas.side:
            found = f"of sizes {list(self.object_sizes)} on a canvas of {self.canvas.side} x {self.canvas.side} pixels"
            raise BadData("data.sizes", f"objects {found}: each has to fit, and there has to be one")
        images = load(self.corpus)
        self._sprites = {split: sprites(images[split], self.object_sizes) for split in _SPLITS}
        # not of the trial's seed: every trial reads pixels alike
        some = [draw(self._sprites["train"], self.canvas, (0, seed)).pixels for seed in range(_MEASURED)]
        side = self.canvas.side
        self._reader = Reader((side, side), 1, Normal.of(np.stack(some)), self.class_names)

    def splits(self) -> list[str]:
        return list(_SPLITS)

    def rows(self, split: str) -> SceneRows:
        self.prepare()
        number = _SPLITS.index(split)
        return SceneRows(self._sprites[split], self.canvas, self.counts[split], number, self.reader.normal)

    def picture(self, batch: Batch, row: int) -> np.ndarray:
        return picture_of(batch, row, self.reader.normal)

    def about(self) -> dict[str, Any]:
        self.prepare()
        side, most = self.canvas.side, self.canvas.objects
        sizes = {f"{split}_scenes": count for split, count in self.counts.items()}
        about = f"scenes of '{self.corpus}', {side} x {side} with 1 to {most} objects each, new ones in each pass"
        return {"about": about, **sizes, "classes": self.class_names}

    def fingerprint(self) -> str:
        images = load(self.corpus)
        pixels = [images[split].pixels.tobytes() for split in ("train", "valid")]
        options = repr(
            (self.corpus, self.object_sizes, astuple(self.canvas), self.counts["train"], self.counts["valid"])
        )
        return digest(*pixels, options.encode())

    def save(self, folder: Path) -> None:
        self.reader.save(folder)

    def load(self, folder: Path) -> None:
        self._reader = Reader.load(folder)

    def items(self, source: str | Path) -> Items:
        """An image file, or the images in a folder, of any size, as grey."""
        return picture_items(source, self.reader.channels, self.reader.normal)


class SceneRows(Rows):
    """Scenes of one split. A key is [number seed]; the seed alone makes the scene."""

    def __init__(self, sprites: Sprites, canvas: Canvas, count: int, split: int, normal: Normal) -> None:
        self.sprites, self.canvas, self.count, self.split, self.normal = sprites, canvas, count, split, normal

    def __len__(self) -> int:
        return self.count

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return seeded(torch.arange(self.count), shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """As `side_by_side`: images, valid, labels, boxes, present."""
        scenes = [draw(self.sprites, self.canvas, (self.split, seed)) for seed in keys[:, 1].tolist()]
        pixels = self.normal.apply(torch.from_numpy(np.stack([scene.pixels for scene in scenes])))
        return side_by_side(list(pixels), [scene.objects for scene in scenes])
