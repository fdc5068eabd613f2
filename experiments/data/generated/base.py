"""What the kinds of data that are made by rule share: endless training rows, fixed rows to evaluate on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments.data.base import Data, Items
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.files import read_text
from experiments.data.generated.dice import Dice
from experiments.data.loader import Batch, Rows, seeded
from experiments.results.plan import Reference

SPLITS = ("train", "valid", "test")
PASS = 10_000
"""Training rows in a pass. The next pass has others."""
Arrays = Mapping[str, Any]
"""A batch as arrays of NumPy, by the names that it has as tensors."""


class Generated(Data):
    """Rows that a rule makes from a seed: no two training rows share a seed, however long the training.

    Validation and test rows are always the same ones, `held_out` of each, made from streams of their own: what is drawn
    for one split is not drawn for another. Where there are few possible rows, the same one may turn up in two.
    """

    symbols: Sequence[str] = ()
    """The tokens as people write them, in the order of their numbers; empty where inputs are no tokens."""

    def __init__(self, seed: int, batch_size: int, held_out: int) -> None:
        self.seed, self.batch_size, self.held_out = seed, batch_size, held_out

    @property
    def vocab(self) -> int | None:
        return len(self.symbols) or None

    @abstractmethod
    def make(self, dice: Dice, split: str) -> Arrays:
        """A row for each of the dice, side by side; the same names and shapes in every batch of a split."""

    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """What the rows depend on, for reports and the fingerprint."""

    def prepare(self) -> None:
        """There is nothing to read."""

    def splits(self) -> list[str]:
        return list(SPLITS)

    def rows(self, split: str) -> Rows:
        if split not in SPLITS:
            raise BadData(split, f"there is no such split: there are {', '.join(SPLITS)}")
        return MadeRows(self, split, PASS if split == "train" else self.held_out)

    def about(self) -> dict[str, Any]:
        sizes = {"valid_rows": self.held_out, "test_rows": self.held_out}
        return {"about": f"generated: {type(self).__name__}", **self.options(), **sizes, "vocab": self.vocab}

    def references(self) -> list[Reference]:
        """Always the same answer, the one that is right most often."""
        return self.chance("valid")

    def chance(self, split: str) -> list[Reference]:
        """The accuracy of that on a split."""
        rows = self.rows(split)
        batch = rows.batch(rows.keys(None))
        right = batch["labels"] if "labels" in batch else batch["targets"][batch["scored"]]
        share = int(right.bincount().max()) / len(right)
        return [Reference("most frequent answer", f"{split}/accuracy", share)]

    def fingerprint(self) -> str:
        first = self.rows("valid").batch(seeded(torch.arange(min(8, self.held_out)), None))
        told = [repr(sorted(self.options().items())), repr(self.held_out)]
        return digest(*(text.encode() for text in told), *(first[name].numpy().tobytes() for name in sorted(first)))

    def load(self, folder: Path) -> None:
        """Everything about it is in the spec."""

    def items(self, source: str | Path) -> Items:
        """A row as its symbols, apart by spaces; of a file, each line is one."""
        if not self.symbols:
            return super().items(source)
        lines = [source] if isinstance(source, str) else read_text(source).splitlines()
        number = {name: i for i, name in enumerate(self.symbols)}
        tokens = []
        for row, line in enumerate(lines, start=1):
            words = line.split()
            if not words:
                raise BadData(str(source), "an empty row: write its symbols, apart by spaces", row=row)
            if strange := [word for word in words if word not in number]:
                known = " ".join(self.symbols[:40]) + (" ..." if len(self.symbols) > 40 else "")
                raise BadData(str(source), f"'{strange[0]}' is no symbol of these data: {known}", row=row)
            tokens.append(torch.tensor([number[word] for word in words]))
        return Items(GivenRows(tokens), lines)


@dataclass(frozen=True)
class MadeRows(Rows):
    """Rows of one split. A key is a row's number and its seed."""

    data: Generated
    split: str
    count: int

    def __len__(self) -> int:
        return self.count

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return seeded(torch.arange(self.count), shuffle)

    def batch(self, keys: Tensor) -> Batch:
        dice = Dice(keys[:, 1].tolist(), SPLITS.index(self.split))
        made = self.data.make(dice, self.split)
        return {name: torch.from_numpy(np.array(array, order="C")) for name, array in made.items()}


@dataclass(frozen=True)
class GivenRows(Rows):
    """Rows that somebody wrote. A key is the number of a row."""

    tokens: Sequence[Tensor]

    def __len__(self) -> int:
        return len(self.tokens)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """tokens, valid: [b n], padded on the right."""
        rows = [self.tokens[i] for i in keys.tolist()]
        valid = torch.nn.utils.rnn.pad_sequence([torch.ones_like(r, dtype=torch.bool) for r in rows], batch_first=True)
        return {"tokens": torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), "valid": valid}
