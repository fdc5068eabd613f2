"""Labelled images in folders: train/class/file.png, valid/..., test/..."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.data.errors import BadData
from experiments.data.vision.arrays import SPLITS, Images
from experiments.data.vision.pictures import is_picture, read_picture


def read_folders(home: Path, channels: int, resize: Sequence[int] | None) -> dict[str, Images]:
    """The splits of a folder. A class is a folder in train/; valid/ has no others, and neither has test/, if there.

    Raises BadData for a class unseen in training, an empty folder, a damaged file, or an image of another size than the
    first one where they are not scaled.
    """
    if not home.is_dir():
        raise BadData(home, "there is no such folder, which should hold train/CLASS/IMAGE and valid/CLASS/IMAGE")
    names = _classes(home / "train")
    if len(names) < 2:
        raise BadData(home / "train", f"only one class, '{names[0]}': nothing to tell apart")
    files = {"train": _files(home / "train", names)}
    for split in SPLITS[1:]:
        if split == "test" and not (home / split).is_dir():
            continue
        unseen = sorted(set(_classes(home / split)) - set(names))
        if unseen:
            known = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
            raise BadData(home / split / unseen[0], f"class '{unseen[0]}' is not in train/, which has {known}")
        files[split] = _files(home / split, [name for name in names if (home / split / name).is_dir()])
    first = files["train"][0][0]
    size = list(read_picture(first, channels, resize).shape[:2])
    found = {}
    for split, pairs in files.items():
        pixels = np.stack([_of_size(path, channels, resize, size, first) for path, _ in pairs])
        found[split] = Images(pixels, np.array([names.index(name) for _, name in pairs]), names)
    return found


def pictures_in(place: Path) -> list[Path]:
    """The image file at a place, or those in the folder there, by name."""
    if not place.exists():
        raise BadData(place, "there is no such file or folder")
    if not place.is_dir():
        return [place]
    found = sorted(path for path in place.rglob("*") if path.is_file() and is_picture(path))
    if not found:
        raise BadData(place, "there is no image in this folder")
    return found


def _classes(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise BadData(folder, f"there is no such folder, which should hold {folder.name}/CLASS/IMAGE")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not names:
        raise BadData(folder, "the folder is empty: it should hold a folder of images for each class")
    return names


def _files(folder: Path, names: Sequence[str]) -> list[tuple[Path, str]]:
    """Files and their classes, class by class."""
    found = []
    for name in names:
        paths = sorted(path for path in (folder / name).rglob("*") if path.is_file() and is_picture(path))
        if not paths:
            raise BadData(folder / name, "there is no image in this folder")
        found += [(path, name) for path in paths]
    return found


def _of_size(path: Path, channels: int, resize: Sequence[int] | None, size: list[int], first: Path) -> np.ndarray:
    pixels = read_picture(path, channels, resize)
    check_size(path, pixels, size, f"{first.name} has")
    return pixels


def check_size(path: Path | str, pixels: np.ndarray, size: Sequence[int], whose: str) -> None:
    """Raises BadData for an image [H W c] that is not of this size (rows, columns)."""
    if list(pixels.shape[:2]) != list(size):
        (rows, columns), (wanted_rows, wanted_columns) = pixels.shape[:2], size
        found = f"an image of {columns} x {rows} pixels, where {whose} {wanted_columns} x {wanted_rows}"
        raise BadData(path, f"{found}: data.size scales all to one size")
