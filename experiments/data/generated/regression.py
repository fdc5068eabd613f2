"""Linear functions that are to be learned from examples in the context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import SPLITS, Arrays, Generated
from experiments.data.generated.dice import Dice, Numbers
from experiments.results.plan import Reference
from registry import Need, part
from registry.types import NonNegativeFloat, PositiveInt


@part("data", "regression", paper="Garg et al. 2022, arXiv 2208.01066, section 2 and appendix A.1 (linear functions)")
class Regression(Generated):
    """Examples of a linear function, x1 f(x1) x2 f(x2) ..., with a value to be told at each x from those before it.

    Every row has weights of its own, w and all x standard normal in so many dimensions, f(x) = w.x / sqrt(dimensions)
    plus noise, so that values have variance 1 without it. A token is a vector: an x, or a value and zeros.
    For `embedding: {kind: series, channels: DIMENSIONS}` and `head: token_regression`.

    dimensions: of x. examples: in a row; it has twice as many tokens. noise: its standard deviation.
    held_out: validation rows, and test rows.
    """

    provides = frozenset({"examples of functions"})
    needs = (Need("model.embedding", "series", "examples come as numbers"),)
    length = None

    def __init__(
        self,
        seed: int = 0,
        *,
        dimensions: PositiveInt = 5,
        examples: PositiveInt = 16,
        noise: NonNegativeFloat = 0.0,
        batch_size: PositiveInt = 64,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        self.dimensions, self.examples, self.noise = dimensions, examples, noise

    def shape(self) -> Mapping[str, int]:
        return {"embedding.channels": self.dimensions, "embedding.patch": 1, "head.values": 1}

    def positions(self, model: Mapping[str, Any]) -> int:
        return 2 * self.examples

    def make(self, dice: Dice, split: str) -> Arrays:
        x, value = self.drawn(dice)
        tokens = np.zeros((len(dice), 2 * self.examples, self.dimensions))
        tokens[:, 0::2], tokens[:, 1::2, 0] = x, value
        targets = np.repeat(value, 2, axis=1)
        scored = np.broadcast_to(np.arange(2 * self.examples) % 2 == 0, targets.shape)
        return {"tokens": tokens.astype(np.float32), "targets": targets.astype(np.float32), "scored": scored}

    def drawn(self, dice: Dice) -> tuple[Numbers, Numbers]:
        """The x, [b examples dimensions], and their values, [b examples]."""
        weights, x = dice.normal(self.dimensions), dice.normal(self.examples, self.dimensions)
        value = np.einsum("b n d, b d -> b n", x, weights) / np.sqrt(self.dimensions)
        return x, value + self.noise * dice.normal(self.examples)

    def references(self) -> list[Reference]:
        """Least squares on the examples before each (the shortest weights where there are few of them), and zero."""
        return self.chance("valid")

    def chance(self, split: str) -> list[Reference]:
        """The errors of those on a split."""
        x, value = self.drawn(Dice(range(self.held_out), SPLITS.index(split)))
        found = np.stack([least_squares(x[:, :n], value[:, :n], x[:, n]) for n in range(self.examples)], axis=1)
        errors, about = ((found - value) ** 2).mean(axis=0), "pseudoinverse of the examples before"
        return [
            Reference("always zero", f"{split}/loss", float((value**2).mean())),
            Reference("least squares", f"{split}/loss", float(errors.mean()), about),
            Reference("least squares", f"{split}/last", float(errors[-1]), about),
        ]

    def options(self) -> Mapping[str, Any]:
        return {"dimensions": self.dimensions, "examples": self.examples, "noise": self.noise}


def least_squares(x: Numbers, value: Numbers, at: Numbers) -> Numbers:
    """What the shortest weights that fit best say of another x. x: [b n d]; value: [b n]; at: [b d] -> [b]."""
    weights = np.einsum("b d n, b n -> b d", np.linalg.pinv(x), value)
    return np.asarray(np.einsum("b d, b d -> b", weights, at))
