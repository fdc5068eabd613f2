"""Scenes of small images strewn over a cluttered canvas, each a function of its seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch.nn import functional

from experiments.data.vision.arrays import Images
from experiments.data.vision.boxes import Objects

_INK = 0.25
"""From this brightness on a pixel belongs to what is drawn."""
_TRIES = 12
"""So often a place for an object is drawn before it is left out."""


@dataclass(frozen=True)
class Sprites:
    """Small grey images at every size. pixels: [n] float32 [h w] from 0 to 1, cut to what is drawn; labels: int [n]."""

    pixels: Sequence[np.ndarray]
    labels: np.ndarray


@dataclass(frozen=True)
class Canvas:
    """What a scene looks like. side: in pixels. objects: at most so many, at least one. clutter: at most so many pieces
    of each kind. noise: standard deviation of each pixel.
    """

    side: int
    objects: int
    clutter: int
    noise: float


@dataclass(frozen=True)
class Scene:
    """pixels: uint8 [H W 1]; objects: what is in it."""

    pixels: np.ndarray
    objects: Objects


def sprites(images: Images, sizes: Sequence[int]) -> Sprites:
    """Every image scaled so that its longer side has each of these sizes, channels averaged."""
    grey = torch.from_numpy(images.pixels).float().mean(-1) / 255
    pixels: list[np.ndarray] = []
    longest = max(grey.shape[1:])
    for size in sizes:
        shape = [max(1, round(side * size / longest)) for side in grey.shape[1:]]
        scaled = functional.interpolate(rearrange(grey, "n h w -> n 1 h w"), shape, mode="bilinear", antialias=True)
        pixels += [_cut(image) for image in rearrange(scaled, "n 1 h w -> n h w").numpy()]
    return Sprites(pixels, np.tile(images.labels, len(sizes)))


def draw(sprites: Sprites, canvas: Canvas, seed: Sequence[int]) -> Scene:
    """The scene of a seed: a background of soft blobs, lines, pieces of sprites and noise, and objects before them.

    The boxes of objects may touch: one covers at most a tenth of the smaller of any two.
    """
    dice = np.random.default_rng(seed)
    pixels = _blobs(dice, canvas.side)
    for _ in range(dice.integers(canvas.clutter + 1)):
        _line(dice, pixels)
    for _ in range(dice.integers(canvas.clutter + 1)):
        _fragment(dice, pixels, sprites)
    boxes: list[tuple[int, int, int, int]] = []
    labels = []
    for _ in range(dice.integers(1, canvas.objects + 1)):
        number = int(dice.integers(len(sprites.pixels)))
        sprite = sprites.pixels[number]
        place = _free_place(dice, boxes, sprite.shape, canvas.side)
        if place is None:
            continue
        left, top = place
        _over(pixels, sprite, left, top, brightness=dice.uniform(0.7, 1.0))
        boxes.append((left, top, sprite.shape[1], sprite.shape[0]))
        labels.append(sprites.labels[number])
    pixels += canvas.noise * dice.standard_normal(pixels.shape, dtype=np.float32)
    whole = np.rint(255 * pixels.clip(0, 1, out=pixels)).astype(np.uint8)
    return Scene(whole[..., None], Objects(np.array(boxes, np.float32), np.array(labels, np.int64)))


def _cut(image: np.ndarray) -> np.ndarray:
    """Without the rows and columns at the edges where nothing is drawn. A copy."""
    drawn = image > _INK * image.max()
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    if not len(rows):
        return image.copy()
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()


def _free_place(
    dice: np.random.Generator, boxes: Sequence[tuple[int, int, int, int]], shape: Sequence[int], side: int
) -> tuple[int, int] | None:
    """Left and top of a place that the boxes so far leave free; None where none was found."""
    height, width = shape
    for _ in range(_TRIES):
        left, top = int(dice.integers(side - width + 1)), int(dice.integers(side - height + 1))
        for x, y, w, h in boxes:
            common = max(0, min(left + width, x + w) - max(left, x)) * max(0, min(top + height, y + h) - max(top, y))
            if common > 0.1 * min(width * height, w * h):
                break
        else:
            return left, top
    return None


def _over(pixels: np.ndarray, sprite: np.ndarray, left: int, top: int, brightness: float) -> None:
    """Ink covers what is behind it as far as it is dark."""
    place = pixels[top : top + sprite.shape[0], left : left + sprite.shape[1]]
    place += sprite * (brightness - place)


def _blobs(dice: np.random.Generator, side: int) -> np.ndarray:
    """A 4 x 4 grid of greys from 0 to 0.35, smoothly filled in. [side side]"""
    corners = dice.uniform(0, 0.35, (4, 4)).astype(np.float32)
    weights = _linear(4, side)
    return weights @ corners @ weights.T


def _linear(size: int, side: int) -> np.ndarray:
    """Weights [side size] of samples that are spread evenly over a side, first and last on its ends."""
    ground = np.linspace(0, size - 1, side)[:, None]
    return np.maximum(0, 1 - np.abs(ground - np.arange(size))).astype(np.float32)


def _line(dice: np.random.Generator, pixels: np.ndarray) -> None:
    side = len(pixels)
    (y, x), angle, length = dice.uniform(0, side, 2), dice.uniform(0, np.pi), dice.uniform(side / 8, side / 2)
    steps = np.arange(-length / 2, length / 2, 0.7)
    rows, columns = (y + np.sin(angle) * steps).astype(int), (x + np.cos(angle) * steps).astype(int)
    inside = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
    pixels[rows[inside], columns[inside]] = dice.uniform(0.3, 0.8)


def _fragment(dice: np.random.Generator, pixels: np.ndarray, sprites: Sprites) -> None:
    """A corner of a sprite, about a third of each of its sides: too little to tell what it was."""
    sprite = sprites.pixels[int(dice.integers(len(sprites.pixels)))]
    height, width = (max(2, size * 2 // 5) for size in sprite.shape)
    row, column = dice.integers(2, size=2)
    piece = sprite[row * (sprite.shape[0] - height) :, column * (sprite.shape[1] - width) :][:height, :width]
    left, top = (int(dice.integers(len(pixels) - size + 1)) for size in (piece.shape[1], piece.shape[0]))
    _over(pixels, piece, left, top, brightness=dice.uniform(0.5, 0.9))
