"""Images with a label each, for image classification."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from experiments.data.base import Data, Items
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.loader import Batch
from experiments.data.vision.arrays import Images, one_array, read_arrays, with_channels
from experiments.data.vision.augment import Augment
from experiments.data.vision.cells import cells
from experiments.data.vision.corpora import Corpus, load
from experiments.data.vision.folders import pictures_in, read_folders
from experiments.data.vision.pictures import Channels, read_picture, scaled
from experiments.data.vision.reader import ImageRows, Reader
from experiments.results.plan import Reference
from registry import Need, part
from registry.types import PositiveInt


@part("data", "images")
class LabelledImages(Data):
    """Images of one size, each with the class it belongs to.

    `tokens`, float [b c H W]: in each channel the training images have the mean 0 and the deviation 1. All images are
    held in memory, a byte for each number.

    corpus: images that ship with the package, used unless `path` is given: fashion (grey, 28 x 28), clipart (colour,
    32 x 32) or digits (grey, 8 x 8), ten classes each.
    path: of your own: a folder with train/CLASS/IMAGE, valid/CLASS/IMAGE and, if you like, test/CLASS/IMAGE, or a NumPy
    archive (.npz) of x_train [n H W] or [n H W c], y_train [n] and the like.
    size: side in pixels of the square that every image is scaled to; without it, all must be of one size.
    channels: 1 for grey, 3 for colour; as the archive has them, and colour for folders, unless given.
    augment: changes to training images, drawn anew in each pass.
    """

    provides = frozenset({"labels"})
    needs = (Need("model.embedding", "images", "what is read are images"),)
    length = None

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Corpus = "fashion",
        path: str | None = None,
        size: PositiveInt | None = None,
        channels: Channels | None = None,
        augment: Augment = Augment(),  # noqa: B008 (frozen)
        batch_size: PositiveInt = 128,
    ) -> None:
        self.seed = seed
        self.batch_size = batch_size
        self.corpus, self.path, self.channels = corpus, path, channels
        self.size = None if size is None else (size, size)
        self.augment = augment
        self.name = f"'{corpus}'" if path is None else path
        self._splits: dict[str, Images] = {}
        self._reader: Reader | None = None

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @property
    def class_names(self) -> list[str]:
        return list(self.reader.names)

    @property
    def reader(self) -> Reader:
        """How images become numbers, from the training images or from what `save` wrote."""
        if self._reader is None:
            self.prepare()
        assert self._reader is not None
        return self._reader

    def shape(self) -> Mapping[str, int]:
        channels = self.reader.channels
        return {"embedding.channels": channels, "embedding.backbone.channels": channels}

    def positions(self, model: Mapping[str, Any]) -> int:
        return cells(model["embedding"], *self.reader.size)

    def prepare(self) -> None:
        if self._splits:
            return
        if self.path is None:
            found = dict(load(self.corpus))
        elif Path(self.path).expanduser().is_dir():
            found = read_folders(Path(self.path).expanduser(), self.channels or 3, self.size)
        else:
            found = read_arrays(self.path)
        found = {split: self._wanted(images) for split, images in found.items()}
        self._reader, self._splits = Reader.of(found["train"]), found

    def _wanted(self, images: Images) -> Images:
        """With the channels and of the size that the options ask for."""
        pixels = with_channels(images.pixels, self.channels)
        return Images(pixels if self.size is None else scaled(pixels, self.size), images.labels, images.names)

    def splits(self) -> list[str]:
        self.prepare()
        return list(self._splits)

    def rows(self, split: str) -> ImageRows:
        self.prepare()
        if split not in self._splits:
            raise BadData(self.name, f"there is no {split} split")
        images = self._splits[split]
        pixels, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels)
        return ImageRows(pixels, self.reader.normal, labels, self.augment)

    def picture(self, batch: Batch, row: int) -> np.ndarray:
        return self.reader.normal.undo(batch["tokens"][row]).numpy()

    def about(self) -> dict[str, Any]:
        self.prepare()
        rows, columns = self.reader.size
        sizes = {f"{split}_images": len(images) for split, images in self._splits.items()}
        shape = f"{rows} x {columns}, {'grey' if self.reader.channels == 1 else 'colour'}"
        return {"about": f"labelled images {self.name}, {shape}", **sizes, "classes": self.class_names}

    def references(self) -> list[Reference]:
        self.prepare()
        train, valid = (self._splits[split].labels for split in ("train", "valid"))
        largest = int(np.bincount(train).argmax())
        share = float((valid == largest).mean())
        return [Reference("largest class", "valid/accuracy", share, f"always '{self.class_names[largest]}'")]

    def fingerprint(self) -> str:
        self.prepare()
        both = [self._splits[split] for split in ("train", "valid")]
        content = [part for images in both for part in (images.pixels.tobytes(), images.labels.tobytes())]
        shape = f"{self.reader.size} {self.reader.channels}".encode()
        return digest(*content, shape, *(name.encode() for name in self.class_names))

    def save(self, folder: Path) -> None:
        self.reader.save(folder)

    def load(self, folder: Path) -> None:
        self._reader = Reader.load(folder)
        if self._reader is None:
            self.prepare()

    def items(self, source: str | Path) -> Items:
        """An image file, the images in a folder, or those in the only array, or the array x, of an archive (.npz).

        They are scaled to the size of the training images.
        """
        if not isinstance(source, Path):
            raise BadData(source, "an image comes as a file, or a folder of files")
        reader = self.reader
        if ".npz" in source.suffixes:
            pixels = scaled(with_channels(one_array(source), reader.channels), reader.size)
            inputs = [f"{source}[{i}]" for i in range(len(pixels))]
        else:
            paths = pictures_in(source)
            pixels = np.stack([read_picture(path, reader.channels, reader.size) for path in paths])
            inputs = [str(path) for path in paths]
        return Items(ImageRows(torch.from_numpy(pixels), reader.normal), inputs)
