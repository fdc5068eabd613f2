"""Dashed paths that wind over a square without touching: the drawings of Pathfinder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MARGIN, THICK, DOT = 0.06, 0.014, 0.035
"""Free border, half the width of a dash, radius of a dot; the square has side 1."""
GAP = 0.35
"""Share of a step that is left out between two dashes."""


@dataclass(frozen=True)
class Canvas:
    """dashes: of a path. distractors: paths of a third of them. turn: degrees at most, from one dash to the next."""

    dashes: int
    distractors: int
    turn: float

    @property
    def step(self) -> float:
        """From the beginning of a dash to that of the next: a path is about as long as the square is wide."""
        return min(0.12, 1.1 / self.dashes)

    @property
    def apart(self) -> float:
        """The least distance of two dashes that do not follow each other."""
        return 0.75 * self.step


@dataclass(frozen=True)
class Drawing:
    """dashes: [k 2 2], both ends (row, column) of each; dots: [2 2]; joined: whether one path runs between the dots.

    path: [k], the number of each dash's path; the first two are the long ones.
    """

    dashes: Floats
    dots: Floats
    joined: bool
    path: NDArray[np.int64]

    def pixels(self, size: int) -> Floats:
        """Grey [size size], from 0 to 1."""
        centres = (np.arange(size) + 0.5) / size
        grid = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1).reshape(-1, 2)
        lines = distances(grid, self.dashes).min(axis=1) - THICK
        dots = np.sqrt(((grid[:, None] - self.dots) ** 2).sum(axis=-1)).min(axis=1) - DOT
        # half grey where an edge runs through the middle of a pixel
        grey = np.clip(0.5 - np.minimum(lines, dots) * size, 0.0, 1.0)
        return np.asarray(grey.reshape(size, size))


def draw(dice: np.random.Generator, canvas: Canvas) -> Drawing:
    """Two paths, the distractors, and the dots, whose answer is a coin's."""
    joined = bool(dice.random() < 0.5)
    while True:
        paths: list[Floats] = []
        lengths = [canvas.dashes] * 2 + [max(1, canvas.dashes // 3)] * canvas.distractors
        for length in lengths:
            path = _path(dice, canvas, length, paths)
            if path is None:
                break
            paths.append(path)
        if len(paths) == len(lengths):
            break
    if dice.random() < 0.5:
        paths[:2] = paths[1::-1]
    first, second = paths[0], paths[0] if joined else paths[1]
    # the other end of the same path, or either end of the other one
    end = second[-1, 1] if joined or dice.random() < 0.5 else second[0, 0]
    number = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
    return Drawing(np.concatenate(paths), np.stack([first[0, 0], end]), joined, number)


def _path(dice: np.random.Generator, canvas: Canvas, length: int, others: list[Floats]) -> Floats | None:
    """So many dashes that keep their distance, [length 2 2]: the first that fits of many; None if none does."""
    for _ in range(4):
        made = _within(_candidates(dice, canvas, length))
        points = np.stack([made[:, :, 0], made.mean(axis=2), made[:, :, 1]], axis=2)
        free = np.ones(len(made), dtype=bool)
        if others and len(made):
            near = distances(points.reshape(-1, 2), np.concatenate(others)).min(axis=1)
            free = near.reshape(len(made), -1).min(axis=1) >= canvas.apart
        for path, places in zip(made[free], points[free], strict=True):
            between = distances(places.reshape(-1, 2), path).reshape(length, 3, length).min(axis=1)
            # neighbours are as near as they have to be
            if (
                between + canvas.apart * (abs(np.subtract.outer(range(length), range(length))) < 2)
            ).min() >= canvas.apart:
                return np.asarray(path)
    return None


def _candidates(dice: np.random.Generator, canvas: Canvas, length: int, count: int = 128) -> Floats:
    """Paths that start anywhere in any direction, wherever they lead, [count length 2 2]."""
    start = MARGIN + (1 - 2 * MARGIN) * dice.random((count, 1, 2))
    turns = np.deg2rad(canvas.turn) * (2 * dice.random((count, length)) - 1)
    angle = (2 * np.pi * dice.random((count, 1)) + turns.cumsum(axis=1))[..., None]
    way = canvas.step * np.concatenate([np.sin(angle), np.cos(angle)], axis=2)
    begin = start + way.cumsum(axis=1) - way
    return np.stack([begin, begin + (1 - GAP) * way], axis=2)


def _within(paths: Floats) -> Floats:
    """Those that stay inside the border. [c length 2 2] -> [c' length 2 2]."""
    return paths[((paths >= MARGIN) & (paths <= 1 - MARGIN)).all(axis=(1, 2, 3))]


def distances(points: Floats, dashes: Floats) -> Floats:
    """From every point to every dash. points: [p 2]; dashes: [k 2 2] -> [p k]."""
    start, way = dashes[:, 0], dashes[:, 1] - dashes[:, 0]
    beyond = points[:, None] - start
    share = np.clip((beyond * way).sum(axis=-1) / (way**2).sum(axis=-1), 0.0, 1.0)
    return np.asarray(np.sqrt(((beyond - share[..., None] * way) ** 2).sum(axis=-1)))
