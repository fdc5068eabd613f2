"""Image files of any size as rows, read when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from experiments.data.base import Items
from experiments.data.errors import BadData
from experiments.data.loader import Batch, Rows, seeded
from experiments.data.vision.boxes import Objects, flipped, side_by_side
from experiments.data.vision.folders import pictures_in
from experiments.data.vision.normal import Normal
from experiments.data.vision.pictures import read_within

_MEMORY = 2**30
"""So many bytes of pixels are kept; what does not fit is read again each time."""


class Pictures:
    """Image files as uint8 [H W c], none larger than `longest` pixels on a side where that is given."""

    def __init__(self, paths: Sequence[Path], channels: int, longest: int | None = None) -> None:
        self.paths, self.channels, self.longest = paths, channels, longest
        self._kept: dict[int, np.ndarray] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, number: int) -> np.ndarray:
        """The pixels of one file. Raises BadData."""
        if number in self._kept:
            return self._kept[number]
        pixels = read_within(self.paths[number], self.channels, self.longest)
        if self._bytes + pixels.nbytes <= _MEMORY:
            self._kept[number] = pixels
            self._bytes += pixels.nbytes
        return pixels


class PictureRows(Rows):
    """Image files, and where it is known what is in them. A key is the number of an image, in training with a seed.

    objects: in the pixels of the images as they are read. flip: in training half of the images are mirrored.
    """

    def __init__(
        self, pictures: Pictures, normal: Normal, objects: Sequence[Objects] | None = None, *, flip: bool = False
    ) -> None:
        self.pictures, self.normal, self.objects, self.flip = pictures, normal, objects, flip

    def __len__(self) -> int:
        return len(self.pictures)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        if shuffle is None:
            return torch.arange(len(self))
        return seeded(torch.randperm(len(self), generator=shuffle), shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """As `side_by_side`: images, valid, and with objects labels, boxes, present."""
        numbers = (keys if keys.dim() == 1 else keys[:, 0]).tolist()
        images = [self.normal.apply(torch.from_numpy(self.pictures.read(number))) for number in numbers]
        objects = None if self.objects is None else [self.objects[number] for number in numbers]
        if self.flip and keys.dim() == 2 and objects is not None:
            for place in torch.nonzero(keys[:, 1] % 2).flatten().tolist():
                images[place], objects[place] = flipped(images[place], objects[place])
        return side_by_side(images, objects)


def picture_items(source: str | Path, channels: int, normal: Normal, longest: int | None = None) -> Items:
    """An image file, or the images in a folder, without answers."""
    if not isinstance(source, Path):
        raise BadData(source, "an image comes as a file, or a folder of files")
    paths = pictures_in(source)
    return Items(PictureRows(Pictures(paths, channels, longest), normal), [str(path) for path in paths])


def picture_of(batch: Batch, row: int, normal: Normal) -> np.ndarray:
    """An image of a batch as a person sees it, without what fills it up: [H W c] from 0 to 1."""
    valid = batch["valid"][row]
    height, width = int(valid.any(1).sum()), int(valid.any(0).sum())
    return normal.undo(batch["images"][row, :, :height, :width]).numpy()
