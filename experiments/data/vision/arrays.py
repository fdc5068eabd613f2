"""Labelled images from a NumPy archive."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.data.errors import BadData
from experiments.data.files import read_bytes

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Images:
    """pixels: uint8 [n H W c]; labels: int [n], numbers of the names; names: of the classes."""

    pixels: np.ndarray
    labels: np.ndarray
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.pixels)


def read_arrays(path: Path | str, *, largest: int = 255) -> dict[str, Images]:
    """The splits of an archive (.npz, .npz.gz or .npz.xz) of arrays x_train, y_train, x_valid, y_valid, x_test, y_test.

    x_: [n H W] grey or [n H W c], whole numbers from 0 to `largest`, or shares from 0 to 1. y_: [n] whole numbers from
    0 on, or names. classes: [classes] names of the numbers; their digits where it is missing. Without x_test there is
    no test split. Raises BadData.
    """
    arrays = open_archive(path)
    pixels, labels = {}, {}
    for split in SPLITS:
        if f"x_{split}" not in arrays:
            if split == "test":
                continue
            raise BadData(path, f"no array x_{split}: there are {', '.join(arrays) or 'none'}")
        if f"y_{split}" not in arrays:
            raise BadData(path, f"no array y_{split}, the classes of x_{split}")
        pixels[split] = whole_pixels(path, f"x_{split}", arrays[f"x_{split}"], largest)
        labels[split] = arrays[f"y_{split}"]
        if labels[split].shape != pixels[split].shape[:1]:
            shapes = f"{list(labels[split].shape)} where x_{split} has {len(pixels[split])} images"
            raise BadData(path, f"y_{split} has the shape {shapes}")
        size, wanted = list(pixels[split].shape[1:]), list(pixels["train"].shape[1:])
        if size != wanted:
            raise BadData(path, f"the images of x_{split} are {size} (rows, columns, channels), of x_train {wanted}")
    names = _names(path, labels, arrays.get("classes"))
    return {split: Images(pixels[split], _numbers(path, f"y_{split}", labels[split], names), names) for split in pixels}


def open_archive(path: Path | str) -> dict[str, np.ndarray]:
    """The arrays of an archive, by name; none that would have to be unpickled."""
    try:
        with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, KeyError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise BadData(path, f"no NumPy archive of plain arrays, as numpy.savez writes: {error}") from None


def whole_pixels(path: Path | str, name: str, values: np.ndarray, largest: int = 255) -> np.ndarray:
    """Images [n H W] or [n H W c] of whole numbers up to `largest`, or shares up to 1, as uint8 [n H W c] up to 255."""
    if values.ndim not in (3, 4) or not values.size:
        raise BadData(path, f"{name} has the shape {list(values.shape)}; images are [n H W] or [n H W c]")
    if values.dtype.kind not in "uif":
        raise BadData(path, f"{name} has the type {values.dtype}; pixels are numbers")
    if values.ndim == 3:
        values = values[..., None]
    if values.shape[-1] > 4:
        raise BadData(path, f"{name} has {values.shape[-1]} channels, at most 4: the last axis is that of the channels")
    per_image = values.reshape(len(values), -1)
    top = 1.0 if values.dtype.kind == "f" else float(largest)
    # a comparison with NaN is false
    fine = ((per_image >= 0) & (per_image <= top)).all(1)
    if not fine.all():
        row = int(np.argmin(fine))
        found = "NaN" if np.isnan(per_image[row]).any() else f"{per_image[row].min():g} to {per_image[row].max():g}"
        kind = "shares, 0 to 1" if values.dtype.kind == "f" else f"whole numbers, 0 to {largest}"
        raise BadData(path, f"image {row} of {name} has pixels {found}; {values.dtype} pixels are {kind}")
    if values.dtype == np.uint8 and largest == 255:
        return values
    return np.rint(values.astype(np.float64) * (255 / top)).astype(np.uint8)


def one_array(path: Path | str) -> np.ndarray:
    """The images of an archive without answers, uint8 [n H W c]: its array x, or its only one."""
    arrays = open_archive(path)
    name = "x" if "x" in arrays or len(arrays) != 1 else next(iter(arrays))
    if name not in arrays:
        raise BadData(path, f"no array x, and more than one other: {', '.join(arrays) or 'none'}")
    return whole_pixels(path, name, arrays[name])


def with_channels(pixels: np.ndarray, channels: int | None) -> np.ndarray:
    """Images [n H W c] made grey (1) or coloured (3), transparency dropped; as they are where nothing is asked for."""
    if channels is None or pixels.shape[-1] == channels:
        return pixels
    if pixels.shape[-1] in (2, 4):
        pixels = pixels[..., :-1]
    if pixels.shape[-1] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=-1)
    # the weights of ITU-R 601, as Pillow has them
    return np.rint(pixels @ np.array([0.299, 0.587, 0.114]))[..., None].astype(np.uint8)


def _names(path: Path | str, labels: dict[str, np.ndarray], classes: np.ndarray | None) -> list[str]:
    if classes is not None:
        names = [str(name) for name in classes.ravel()]
    elif labels["train"].dtype.kind in "US":
        names = sorted({str(name) for name in labels["train"]})
    elif labels["train"].dtype.kind in "ui":
        names = [str(number) for number in range(int(labels["train"].max()) + 1)]
    else:
        raise BadData(path, f"y_train has the type {labels['train'].dtype}; classes are whole numbers or names")
    if len(names) < 2:
        raise BadData(path, f"only one class, {names}: nothing to tell apart")
    return names


def _numbers(path: Path | str, name: str, labels: np.ndarray, names: list[str]) -> np.ndarray:
    if labels.dtype.kind in "US":
        known = {name: number for number, name in enumerate(names)}
        unknown = [i for i, label in enumerate(labels) if str(label) not in known]
        numbers = np.array([known.get(str(label), 0) for label in labels])
    elif labels.dtype.kind in "ui":
        unknown = np.flatnonzero((labels < 0) | (labels >= len(names))).tolist()
        numbers = labels.astype(np.int64)
    else:
        raise BadData(path, f"{name} has the type {labels.dtype}; classes are whole numbers or names")
    if unknown:
        label = labels[unknown[0]]
        raise BadData(path, f"{name}[{unknown[0]}] is {label}, which is none of the classes {', '.join(names)}")
    return numbers
