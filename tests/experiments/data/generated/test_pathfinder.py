"""Pathfinder: the rule, from the drawings; the pixels, from distances one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.data.generated import Pathfinder
from experiments.data.generated.dashes import DOT, GAP, MARGIN, THICK, Canvas, Drawing
from experiments.data.generated.dice import Dice

from .every import batch_of


def drawings(count: int, **options: int) -> list[Drawing]:
    return Pathfinder(0, **options).drawings(Dice(range(count), 1))  # type: ignore[arg-type]


def test_dots_stand_at_both_ends_of_one_path_or_at_one_end_of_two() -> None:
    joined = 0
    for drawing in drawings(40, dashes=6, distractors=2):
        ends = {}
        for number in np.unique(drawing.path):
            dashes = drawing.dashes[drawing.path == number]
            ends |= {tuple(dashes[0, 0]): number, tuple(dashes[-1, 1]): number}
        assert [(drawing.path == number).sum() for number in range(4)] == [6, 6, 2, 2]
        first, second = (ends[tuple(dot)] for dot in drawing.dots)
        assert (first == second) == drawing.joined
        assert {first, second} <= {0, 1}
        assert tuple(drawing.dots[0]) != tuple(drawing.dots[1])
        joined += drawing.joined
    assert 10 < joined < 30


def to_dash(point: np.ndarray, dash: np.ndarray) -> float:
    """The least distance to many points of a dash."""
    steps = np.linspace(0, 1, 201)[:, None]
    return float(np.sqrt(((dash[0] + steps * (dash[1] - dash[0]) - point) ** 2).sum(1)).min())


def test_paths_turn_a_little_keep_apart_and_stay_inside() -> None:
    canvas = Canvas(6, 2, 35.0)
    for drawing in drawings(8, dashes=6, distractors=2):
        assert drawing.dashes.min() >= MARGIN
        assert drawing.dashes.max() <= 1 - MARGIN
        number = 0
        for i, dash in enumerate(drawing.dashes):
            assert math.dist(*dash) == pytest.approx(canvas.step * (1 - GAP))
            number = number + 1 if i and drawing.path[i] == drawing.path[i - 1] else 0
            if number:
                before, way = drawing.dashes[i - 1], dash[1] - dash[0]
                assert math.dist(before[0], dash[0]) == pytest.approx(canvas.step)
                old = before[1] - before[0]
                cosine = float(way @ old) / (math.hypot(*way) * math.hypot(*old))
                assert cosine >= math.cos(math.radians(35.0)) - 1e-9
            for j, other in enumerate(drawing.dashes):
                if drawing.path[i] != drawing.path[j] or abs(i - j) > 1:
                    middle = dash.mean(axis=0)
                    assert min(to_dash(point, other) for point in (dash[0], middle, dash[1])) > canvas.apart - 1e-3


def test_pixels() -> None:
    data = Pathfinder(0, size=16, dashes=3, distractors=1, form="image", held_out=2)
    batch = batch_of(data, "valid", 2)
    for image, drawing in zip(batch["tokens"][:, 0], data.drawings(Dice(range(2), 1)), strict=True):
        for row in range(16):
            for column in range(16):
                centre = np.array([row + 0.5, column + 0.5]) / 16
                edge = min(to_dash(centre, dash) for dash in drawing.dashes) - THICK
                edge = min(edge, *(math.dist(centre, dot) - DOT for dot in drawing.dots))
                assert float(image[row, column]) == pytest.approx(min(1, max(0, 0.5 - 16 * edge)), abs=2e-3)
    assert batch["labels"].tolist() == [d.joined for d in data.drawings(Dice(range(2), 1))]


def test_tokens_are_the_image_in_grey_levels() -> None:
    image = batch_of(Pathfinder(0, size=12, dashes=3, form="image"), "valid", 3)["tokens"]
    tokens = batch_of(Pathfinder(0, size=12, dashes=3, levels=4), "valid", 3)["tokens"]
    assert tokens.shape == (3, 145)
    assert tokens[:, 0].tolist() == [4, 4, 4]
    assert tokens[:, 1:].tolist() == (image[:, 0].flatten(1) * 4).long().clamp(max=3).tolist()
    data = Pathfinder(0, size=12, form="image")
    assert (data.length, data.vocab, data.shape()) == (None, None, {"embedding.channels": 1})
    assert data.positions({"embedding": {"kind": "patches", "patch": 3}}) == 16
    assert data.positions({"embedding": {"kind": "image_features", "backbone": {"widths": [8]}}}) == 9
