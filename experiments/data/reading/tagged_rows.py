"""Labelled sequences as rows of tokens."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from experiments.data.errors import BadData
from experiments.data.loader import Batch, Rows, pad
from experiments.data.reading.tagged import Tagged, Unit
from experiments.data.tokenizers import Tokenizer

TooLong: TypeAlias = Literal["windows", "cut", "refuse"]
"""What becomes of a sequence that is longer than a row: several rows, its beginning, or an error."""


@dataclass(frozen=True)
class TaggedRow:
    """Units as ids, <bos> first; places: of the first piece of each unit; classes: the number of its label, if
    known.
    """

    units: list[str]
    ids: list[int]
    places: list[int]
    classes: list[int]


@dataclass
class Pieces:
    """Sequences to rows of at most `length` tokens. Words but the first have a blank before them."""

    tokenizer: Tokenizer
    unit: Unit
    length: int
    too_long: TooLong

    def __post_init__(self) -> None:
        # a text has each of its words many times
        self._of = functools.cache(lambda text: tuple(self.tokenizer.encode(text.encode()).tolist()))

    def rows(self, given: Tagged, path: Path, numbers: dict[str, int]) -> Iterator[TaggedRow]:
        """Raises BadData for a label that has no number, and for a long sequence where it is refused."""
        row = self._empty()
        for i, unit in enumerate(given.units):
            ids = self._of(f" {unit}" if self.unit == "word" and i else unit)[: self.length - 1]
            if not ids:
                raise BadData(path, f"the tokenizer has no token for '{unit}'", row=given.row)
            if len(row.ids) + len(ids) > self.length:
                if self.too_long == "refuse":
                    remedy = "raise data.length, or set data.too_long to windows or cut"
                    raise BadData(path, f"more than {self.length} tokens: {remedy}", row=given.row)
                yield row
                if self.too_long == "cut":
                    return
                row = self._empty()
            row.units.append(unit)
            row.places.append(len(row.ids))
            row.ids.extend(ids)
            if given.labels:
                row.classes.append(self._number(given, i, path, numbers))
        yield row

    def _empty(self) -> TaggedRow:
        return TaggedRow([], [self.tokenizer.special("<bos>")], [], [])

    def _number(self, given: Tagged, i: int, path: Path, numbers: dict[str, int]) -> int:
        label = given.labels[i]
        if label not in numbers:
            known = ", ".join([*numbers][:8]) + (", ..." if len(numbers) > 8 else "")
            about = f"label '{label}' of '{given.units[i]}' is not in the training file, which has {known}"
            raise BadData(path, about, row=given.row)
        return numbers[label]


class TaggedRows(Rows):
    """Labelled sequences. A key is the number of a row."""

    def __init__(self, rows: list[TaggedRow], filler: int) -> None:
        self.tagged = rows
        self.filler = filler

    def __len__(self) -> int:
        return len(self.tagged)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """tokens, valid; labelled, True where a unit begins; labels, the class there (not of new inputs): [b n]."""
        rows = [self.tagged[i] for i in keys.tolist()]
        tokens, valid = pad([row.ids for row in rows], self.filler)
        labelled, labels = torch.zeros_like(valid), torch.zeros_like(tokens)
        for number, row in enumerate(rows):
            labelled[number, row.places] = True
            if row.classes:
                labels[number, row.places] = torch.tensor(row.classes)
        known = any(row.classes for row in rows)
        return {"tokens": tokens, "valid": valid, "labelled": labelled} | ({"labels": labels} if known else {})
