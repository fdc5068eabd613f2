"""How images of one size become numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from experiments.atomic import write_json
from experiments.data.loader import Batch, Rows, seeded
from experiments.data.vision.arrays import Images
from experiments.data.vision.augment import Augment
from experiments.data.vision.normal import Normal


@dataclass(frozen=True)
class Reader:
    """size: rows and columns; channels: of the training images; names: of the classes."""

    size: Sequence[int]
    channels: int
    normal: Normal
    names: Sequence[str]

    @classmethod
    def of(cls, images: Images) -> Reader:
        """The reader that suits training images."""
        _, rows, columns, channels = images.pixels.shape
        return cls((rows, columns), channels, Normal.of(images.pixels), images.names)

    def save(self, folder: Path) -> None:
        write_json(folder / "images.json", asdict(self))

    @classmethod
    def load(cls, folder: Path) -> Reader | None:
        """What `save` wrote; None where nothing was."""
        path = folder / "images.json"
        if not path.is_file():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**found, "normal": Normal(**found["normal"])})


class ImageRows(Rows):
    """Images, and where they are known their classes. A key is the number of an image, in training with a seed.

    pixels: uint8 [n H W c]; labels: int [n]. Only images with a seed are augmented.
    """

    def __init__(
        self, pixels: Tensor, normal: Normal, labels: Tensor | None = None, augment: Augment | None = None
    ) -> None:
        self.pixels, self.normal, self.labels = pixels, normal, labels
        self.augment = augment or Augment()

    def __len__(self) -> int:
        return len(self.pixels)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        if shuffle is None:
            return torch.arange(len(self))
        return seeded(torch.randperm(len(self), generator=shuffle), shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """tokens: [b c H W]; labels: [b]."""
        numbers = keys if keys.dim() == 1 else keys[:, 0]
        tokens = self.normal.apply(self.pixels[numbers])
        if keys.dim() == 2:
            tokens = self.augment(tokens, keys[:, 1])
        return {"tokens": tokens} if self.labels is None else {"tokens": tokens, "labels": self.labels[numbers]}
