"""What every kind of data promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from experiments.data.errors import BadData
from experiments.data.loader import Batch, EvalLoader, Rows, TrainLoader
from experiments.data.tokenizers import Tokenizer
from experiments.results.plan import Reference


@dataclass(frozen=True)
class Items:
    """New inputs without answers. inputs: of each row what people call it, a text or the name of a file."""

    rows: Rows
    inputs: Sequence[Any]


class Data(ABC):
    """Text, images, sound or numbers on disk, or made by rule, turned into batches: dicts of tensors.

    Names in a batch are those of the model's arguments: `tokens` is what its embedding reads, images and series
    included, or `source` where there is an encoder and a decoder; with a mask `valid` (True = token) where there is
    padding. Answers stand beside them.

    Constructors only record their options. `prepare` reads the files and reports what is wrong with them, as BadData.
    """

    family: ClassVar[str] = "data"
    provides: ClassVar[frozenset[str]] = frozenset()
    """What its batches hold: "running text", "labels", "pairs" ..., as tasks ask for it."""

    length: int | None
    """The most tokens that a row can have, as the model sees them; None where inputs are no tokens."""
    batch_size: int
    seed: int
    tokenizer: Tokenizer | None = None

    @property
    def vocab(self) -> int | None:
        """Number of tokens, special ones included; known before any file is read. None where there are no tokens."""
        return None if self.tokenizer is None else self.tokenizer.vocab

    @property
    def classes(self) -> int | None:
        """Number of classes; reads the labels of the training file. None where there are no classes."""
        return None

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, in the order of their numbers; empty where there are no classes."""
        return []

    @property
    def source_vocab(self) -> int | None:
        """Number of tokens on the source side; None where there is one side only."""
        return None

    def shape(self) -> Mapping[str, int]:
        """Numbers that a model for these data must have, by their place in the model's spec: "embedding.channels"."""
        return {}

    def positions(self, model: Mapping[str, Any]) -> int:
        """About how many vectors the longest row becomes in a model with this full spec: what it costs follows."""
        if self.length is None:
            raise NotImplementedError(f"{type(self).__name__} does not say how long its rows are")
        return self.length

    @abstractmethod
    def prepare(self) -> None:
        """Read and encode everything. Safe to call twice. Raises BadData."""

    def splits(self) -> list[str]:
        """The splits that there are: "train", "valid", and "test" where the best weights can be evaluated on one."""
        return ["train", "valid"]

    @abstractmethod
    def rows(self, split: str) -> Rows:
        """The rows of "train", "valid" or "test"."""

    def sizes(self) -> Tensor:
        """Bytes of text that each token stands for, [v]; 0 for special tokens."""
        if self.tokenizer is None:
            raise NotImplementedError(f"{type(self).__name__} has no tokens")
        try:
            return torch.tensor(self.tokenizer.sizes())
        # it has not learned its words: neither from the training text nor from what `save` wrote
        except RuntimeError:
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
        """Write what is needed to use a trained model on new inputs (a trained tokenizer, the names of the classes)."""

    def load(self, folder: Path) -> None:
        """Take what `save` wrote there, so that new inputs can be read without the training files.

        Prepares from the training files what was not saved.
        """
        if self.tokenizer is None or not self.tokenizer.load(folder):
            self.prepare()

    def picture(self, batch: Batch, row: int) -> np.ndarray | None:
        """What a person sees of a row: [H W], [H W 1] or [H W 3] from 0 to 1; None where that is no image."""
        return None

    def items(self, source: str | Path) -> Items:
        """New inputs: a text itself, or the file or folder at a path. Raises BadData."""
        raise BadData(str(source), f"{type(self).__name__} cannot read new inputs")

    def train_loader(self) -> TrainLoader:
        return TrainLoader(self.rows("train"), self.batch_size, self.seed)

    def eval_loader(self, split: str = "valid") -> EvalLoader:
        return EvalLoader(self.rows(split), self.batch_size)
