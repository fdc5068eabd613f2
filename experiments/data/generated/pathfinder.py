"""Pathfinder: are the two dots joined by a dashed path?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dashes import Canvas, Drawing, draw
from experiments.data.generated.dice import Dice
from experiments.data.vision.cells import cells
from registry import Need, part
from registry.types import NonNegativeInt, PositiveFloat, PositiveInt


@part("data", "pathfinder", paper="Linsley et al. 2018, arXiv 1805.08315, section 3; Tay et al. 2020 (LRA), 2.2.5")
class Pathfinder(Generated):
    """Two dashed paths that turn a little at every dash, shorter ones to distract, and two dots: classes joined, apart.

    Joined, the dots stand at both ends of one path, else at an end of each of the two. Paths keep their distance from
    each other and from themselves. Light lines on black, smoothed at their edges, drawn for this project: the rule is
    the paper's, the pixels are not.

    size: side of the image in pixels. dashes: of each path. distractors: how many shorter paths, of a third of the
    dashes. turn: the most that a path turns from one dash to the next, in degrees. form: tokens (grey levels, row by
    row behind <bos>: size ** 2 + 1 tokens), or an image for `embedding: patches`, of which patch: 1 makes as many
    vectors that know where they stand, or for a backbone's map of it. levels: of grey, as tokens. held_out: validation
    rows, and test rows.
    """

    provides = frozenset({"labels"})
    needs = (
        Need("model.embedding", "tokens", "grey levels come as tokens", when={"form": "tokens"}),
        Need("model.embedding", "images", "it is an image", when={"form": "image"}),
    )

    def __init__(
        self,
        seed: int = 0,
        *,
        size: PositiveInt = 32,
        dashes: PositiveInt = 9,
        distractors: NonNegativeInt = 4,
        turn: PositiveFloat = 35.0,
        form: Literal["tokens", "image"] = "tokens",
        levels: PositiveInt = 8,
        batch_size: PositiveInt = 16,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        self.size, self.form, self.levels = size, form, levels
        self.canvas = Canvas(dashes, distractors, turn)
        self.length = size**2 + 1 if form == "tokens" else None
        self.symbols = (*(str(i) for i in range(levels)), "<bos>") if form == "tokens" else ()

    @property
    def classes(self) -> int:
        return 2

    @property
    def class_names(self) -> list[str]:
        return ["apart", "joined"]

    def shape(self) -> Mapping[str, int]:
        return {"embedding.channels": 1} if self.form == "image" else {}

    def positions(self, model: Mapping[str, Any]) -> int:
        return self.size**2 + 1 if self.form == "tokens" else cells(model["embedding"], self.size, self.size)

    def make(self, dice: Dice, split: str) -> Arrays:
        drawings = self.drawings(dice)
        pixels = np.stack([drawing.pixels(self.size) for drawing in drawings])
        labels = np.array([drawing.joined for drawing in drawings], dtype=np.int64)
        if self.form == "image":
            return {"tokens": pixels[:, None].astype(np.float32), "labels": labels}
        grey = np.minimum((pixels * self.levels).astype(np.int64), self.levels - 1).reshape(len(labels), -1)
        return {"tokens": np.pad(grey, ((0, 0), (1, 0)), constant_values=self.levels), "labels": labels}

    def drawings(self, dice: Dice) -> list[Drawing]:
        """One for each of the dice."""
        return [draw(row, self.canvas) for row in dice.rows]

    def options(self) -> Mapping[str, Any]:
        told = {name: getattr(self, name) for name in ("size", "form", "levels")}
        return told | {name: getattr(self.canvas, name) for name in ("dashes", "distractors", "turn")}
