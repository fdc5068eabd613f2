"""Image files, read and scaled by Pillow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from experiments.data.errors import BadData

if TYPE_CHECKING:
    from PIL.Image import Image

Channels: TypeAlias = Literal[1, 3]
"""1: grey. 3: red, green, blue."""

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


def is_picture(path: Path) -> bool:
    """Whether a file is an image, by its name; hidden files are none."""
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def read_picture(path: Path, channels: int, resize: Sequence[int] | None = None) -> np.ndarray:
    """The pixels of a file, uint8 [H W channels], scaled to (rows, columns) where asked for.

    What is transparent becomes white. Raises BadData for what is no image, or a damaged one.
    """
    return _read(path, channels, lambda height, width: resize)


def read_within(path: Path, channels: int, longest: int | None = None) -> np.ndarray:
    """The same, scaled down so that neither side is longer than `longest` pixels."""

    def smaller(height: int, width: int) -> Sequence[int] | None:
        if longest is None or max(height, width) <= longest:
            return None
        return [max(1, round(side * longest / max(height, width))) for side in (height, width)]

    return _read(path, channels, smaller)


def _read(path: Path, channels: int, resize: Callable[[int, int], Sequence[int] | None]) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(path) as file:
            # which is when a damaged file shows
            file.load()
            image = _as(file, channels)
    except FileNotFoundError:
        raise BadData(path, "there is no such file") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise BadData(path, f"no image, or a damaged one: {error}") from None
    size = resize(image.height, image.width)
    if size is not None and [image.height, image.width] != list(size):
        image = image.resize((size[1], size[0]), Image.Resampling.BICUBIC)
    pixels = np.array(image, dtype=np.uint8)
    return pixels[..., None] if channels == 1 else pixels


def scaled(pixels: np.ndarray, resize: Sequence[int]) -> np.ndarray:
    """Images uint8 [n H W c] at another size (rows, columns)."""
    from PIL import Image

    if list(pixels.shape[1:3]) == list(resize):
        return pixels
    rows, columns = resize
    size, how = (columns, rows), Image.Resampling.BICUBIC
    channels = [
        np.stack([np.asarray(Image.fromarray(image).resize(size, how)) for image in pixels[..., channel]])
        for channel in range(pixels.shape[-1])
    ]
    return np.stack(channels, axis=-1)


def _as(file: Image, channels: int) -> Image:
    from PIL import Image

    if file.mode in ("RGBA", "LA", "PA") or "transparency" in file.info:
        coloured = file.convert("RGBA")
        file = Image.new("RGBA", coloured.size, "white")
        file.alpha_composite(coloured)
    elif file.mode.startswith("I;16"):
        # Pillow would cut off what is above 255
        file = Image.fromarray((np.asarray(file) >> 8).astype(np.uint8))
    return file.convert("L" if channels == 1 else "RGB")
