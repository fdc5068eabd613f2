"""Images as sequences of pixels."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from experiments.data.base import Data, Items
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.generated.base import GivenRows
from experiments.data.loader import Batch, Rows
from experiments.data.vision.arrays import Images, with_channels
from experiments.data.vision.corpora import Corpus, load
from experiments.data.vision.folders import pictures_in
from experiments.data.vision.pictures import read_picture
from experiments.results.plan import Reference
from registry import Need, part
from registry.types import PositiveInt


@part("data", "pixels", paper="Tay et al. 2020 (LRA), arXiv 2011.04006, section 2.2.4 (image classification)")
class Pixels(Data):
    """An image as a text: its pixels row by row behind <bos>, each number of a pixel a token, and the image's class.

    Nothing says where a row of the image ends.

    corpus: fashion (grey, 784 pixels), clipart (colour, 1024 pixels) or digits (grey, 64). colour: grey, or red, green
    and blue of each pixel one after the other: three times as many tokens. levels: of each number, at most 256.

    Raises ValueError for colour where the images have none.
    """

    provides = frozenset({"labels"})
    needs = (Need("model.embedding", "tokens", "pixels come as tokens"),)
    length: int

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Corpus = "fashion",
        colour: Literal["grey", "rgb"] = "grey",
        levels: PositiveInt = 256,
        batch_size: PositiveInt = 16,
    ) -> None:
        sides = {"fashion": 28, "clipart": 32, "digits": 8}
        if colour == "rgb" and corpus != "clipart":
            raise ValueError(f"data.colour is rgb, but the images of '{corpus}' are grey")
        if not 2 <= levels <= 256:
            raise ValueError(f"data.levels is {levels}: from 2 to 256")
        self.seed, self.corpus, self.colour, self.levels, self.batch_size = seed, corpus, colour, levels, batch_size
        self.length = 1 + sides[corpus] ** 2 * (3 if colour == "rgb" else 1)

    @property
    def vocab(self) -> int:
        return self.levels + 1

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @property
    def class_names(self) -> list[str]:
        return list(self.images["train"].names)

    @functools.cached_property
    def images(self) -> Mapping[str, Images]:
        return load(self.corpus)

    def prepare(self) -> None:
        assert self.images

    def splits(self) -> list[str]:
        return list(self.images)

    def rows(self, split: str) -> Rows:
        return PixelRows(self, self.images[split])

    def sequence(self, pixels: np.ndarray) -> Tensor:
        """Images as tokens. uint8 [b H W c] -> int [b n]."""
        seen = with_channels(pixels, 3 if self.colour == "rgb" else 1).reshape(len(pixels), -1)
        tokens = seen.astype(np.int64) * self.levels // 256
        return torch.from_numpy(np.pad(tokens, ((0, 0), (1, 0)), constant_values=self.levels))

    def items(self, source: str | Path) -> Items:
        """An image file, or the images in a folder, scaled to the size of the training images."""
        if isinstance(source, str):
            raise BadData(source, "an image comes as a file, or a folder of files")
        paths = pictures_in(source)
        like = self.images["train"].pixels
        pixels = np.stack([read_picture(path, like.shape[-1], like.shape[1:3]) for path in paths])
        return Items(GivenRows([*self.sequence(pixels)]), [str(path) for path in paths])

    def picture(self, batch: Batch, row: int) -> np.ndarray:
        """The image, of as many levels as the tokens tell apart."""
        values = batch["tokens"][row, 1:].numpy() / (self.levels - 1)
        side = self.images["train"].pixels.shape[1]
        shape = (side, side, 3) if self.colour == "rgb" else (side, side)
        picture: np.ndarray = values.reshape(shape)
        return picture

    def about(self) -> dict[str, Any]:
        sizes = {f"{split}_rows": len(images) for split, images in self.images.items()}
        told = {"colour": self.colour, "levels": self.levels, "length": self.length, "classes": self.class_names}
        return {"about": f"pixels of the images '{self.corpus}'", **sizes, **told}

    def references(self) -> list[Reference]:
        counts = np.bincount(self.images["train"].labels)
        share = float((self.images["valid"].labels == counts.argmax()).mean())
        return [Reference("most frequent class", "valid/accuracy", share)]

    def fingerprint(self) -> str:
        told = repr((self.corpus, self.colour, self.levels)).encode()
        return digest(told, *(self.images[split].pixels.tobytes() for split in ("train", "valid")))


class PixelRows(Rows):
    """Images with their classes. A key is the number of an image."""

    def __init__(self, data: Pixels, images: Images) -> None:
        self.data, self.images = data, images

    def __len__(self) -> int:
        return len(self.images)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """tokens: [b n]; labels: [b]."""
        chosen = keys.numpy()
        labels = torch.from_numpy(self.images.labels[chosen].astype(np.int64))
        return {"tokens": self.data.sequence(self.images.pixels[chosen]), "labels": labels}
