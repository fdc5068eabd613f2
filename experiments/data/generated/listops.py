"""ListOps: nested lists of digits with an operation each, in prefix form; what is the result?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.data.generated.base import Arrays, Generated
from experiments.data.generated.dice import Dice
from experiments.data.generated.expressions import END, LEAF_SHARE, OPERATORS, Expression, draw
from experiments.results.plan import Reference
from registry import Need, part
from registry.types import PositiveInt

DIGITS = 10
BOS, PAD = DIGITS + len(OPERATORS) + 1, DIGITS + len(OPERATORS) + 2


@part(
    "data", "listops", paper="Nangia and Bowman 2018, arXiv 1804.06028; Tay et al. 2020 (LRA), arXiv 2011.04006, 2.2.1"
)
class ListOps(Generated):
    """`[MAX 4 3 [MIN 2 3 ] 1 0 ]`: ten classes, the digit that it comes to (4).

    The generator of the Long Range Arena: a node above the deepest level is an operation with probability 1/4, else a
    digit; operations are MIN, MAX, MED (the median, rounded down) and SM (the sum, modulo 10), all equally likely, with
    2 to `arguments` arguments; a tree counts if it has more than `shortest` and fewer than `length` tokens. A row is
    <bos> and the tokens, padded to the longest of its batch.

    length, shortest: of a row. depth: levels of a tree. arguments: the most of an operation. held_out: validation rows,
    and test rows.

    Raises ValueError where no tree can be so long.
    """

    length: int
    provides = frozenset({"labels"})
    needs = (Need("model.embedding", "tokens", "digits and operations come as tokens"),)
    symbols = (*(str(i) for i in range(DIGITS)), *(f"[{name}" for name in OPERATORS), END, "<bos>", "<pad>")

    def __init__(
        self,
        seed: int = 0,
        *,
        length: PositiveInt = 2000,
        shortest: PositiveInt = 500,
        depth: PositiveInt = 10,
        arguments: PositiveInt = 10,
        batch_size: PositiveInt = 16,
        held_out: PositiveInt = 512,
    ) -> None:
        super().__init__(seed, batch_size, held_out)
        self.length, self.shortest, self.depth, self.arguments = length, shortest, depth, arguments
        if arguments < 2:
            raise ValueError("data.arguments is 1, but an operation has 2 at least")
        most = sum(2 * arguments**level for level in range(depth - 1)) + arguments ** (depth - 1)
        if not 1 <= shortest < min(length - 1, most):
            raise ValueError(f"data.shortest is {shortest}: no tree has more tokens than that and fewer than {length}")

    @property
    def classes(self) -> int:
        return DIGITS

    @property
    def class_names(self) -> list[str]:
        return [str(i) for i in range(DIGITS)]

    def make(self, dice: Dice, split: str) -> Arrays:
        made = self.expressions(dice)
        longest = 1 + max(len(e.tokens) for e in made)
        tokens = np.full((len(made), longest), PAD, dtype=np.int64)
        tokens[:, 0] = BOS
        for row, expression in zip(tokens, made, strict=True):
            row[1 : 1 + len(expression.tokens)] = expression.tokens
        labels = np.array([e.value for e in made], dtype=np.int64)
        return {"tokens": tokens, "valid": tokens != PAD, "labels": labels}

    def expressions(self, dice: Dice) -> list[Expression]:
        """One for each of the dice."""
        limits = (self.shortest, self.length)
        return [draw(row, limits, self.depth, self.arguments) for row in dice.rows]

    def references(self) -> list[Reference]:
        """The class that is most frequent, among all rows or among those that begin with the same operation."""
        return self.chance("valid")

    def chance(self, split: str) -> list[Reference]:
        """The accuracies of that on a split."""
        return shallow(self, split)

    def options(self) -> Mapping[str, Any]:
        names = ("length", "shortest", "depth", "arguments")
        return {name: getattr(self, name) for name in names} | {"leaf_share": LEAF_SHARE}


def shallow(data: ListOps, split: str, samples: int = 2000) -> list[Reference]:
    """What can be known without computing: accuracies on a split of guesses learned from so many training rows."""

    def drawn(stream: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        made = data.expressions(Dice(range(count), stream))
        return np.array([e.tokens[0] - DIGITS for e in made]), np.array([e.value for e in made])

    (first, value), (asked, right) = drawn(0, samples), drawn(1 if split == "valid" else 2, data.held_out)
    counts = np.zeros((len(OPERATORS), DIGITS))
    np.add.at(counts, (first, value), 1)
    most = float((right == counts.sum(axis=0).argmax()).mean())
    by_first = float((right == counts.argmax(axis=1)[asked]).mean())
    return [
        Reference("most frequent class", f"{split}/accuracy", most),
        Reference("most frequent class by first operation", f"{split}/accuracy", by_first, "all that the root tells"),
    ]
