"""What every kind of data promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from experiments.data.loader import EvalLoader, Rows, TrainLoader
from experiments.data.tokenizers import Tokenizer
from experiments.results.plan import Reference


class Data(ABC):
    """Text on disk, turned into batches: dicts of tensors, with a mask `valid` (True = token) where there is padding.

    Constructors only record their options. `prepare` reads the files and reports what is wrong with them, as BadData.
    """

    family: ClassVar[str] = "data"
    provides: ClassVar[frozenset[str]] = frozenset()
    """What its batches hold: "running text", "labels" or "pairs"."""

    length: int
    """The most tokens that a row can have, as the model sees them."""
    batch_size: int
    seed: int
    tokenizer: Tokenizer

    @property
    def vocab(self) -> int:
        """Number of tokens, special ones included; known before any file is read."""
        return self.tokenizer.vocab

    @property
    def classes(self) -> int | None:
        """Number of classes; reads the labels of the training file. None where there are no classes."""
        return None

    @property
    def source_vocab(self) -> int | None:
        """Number of tokens on the source side; None where there is one side only."""
        return None

    @abstractmethod
    def prepare(self) -> None:
        """Read and encode everything. Safe to call twice. Raises BadData."""

    def splits(self) -> list[str]:
        """The splits that there are: "train", "valid", and "test" where the final weights can be evaluated on one."""
        return ["train", "valid"]

    @abstractmethod
    def rows(self, split: str) -> Rows:
        """The rows of "train", "valid" or "test"."""

    def sizes(self) -> Tensor:
        """Bytes of text that each token stands for, [v]; 0 for special tokens."""
        self.prepare()
        return torch.tensor(self.tokenizer.sizes())

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """Plain facts for reports: a sentence under "about", and sizes."""

    def references(self) -> list[Reference]:
        """Numbers to compare a model with, found by simpler means on the same data."""
        return []

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of the training and validation text: the same data have the same."""

    def save(self, folder: Path) -> None:  # noqa: B027 (some kinds have nothing to write)
        """Write what is needed to use a trained model on new text (a trained tokenizer, the names of the classes)."""

    def train_loader(self) -> TrainLoader:
        return TrainLoader(self.rows("train"), self.batch_size, self.seed)

    def eval_loader(self, split: str = "valid") -> EvalLoader:
        return EvalLoader(self.rows(split), self.batch_size)
