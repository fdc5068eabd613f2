"""Texts with a label each, for sequence classification."""

from __future__ import annotations

import functools
import json
from itertools import compress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from experiments.atomic import write_json
from experiments.data.base import Data, Items
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.files import CORPORA, Table
from experiments.data.loader import Batch, Batching, Bucketed, Rows, TrainLoader, pad, seeded
from experiments.data.tables import Encoder, Tables, TooLong, given
from experiments.data.tokenizers import SPECIALS, Bytes, Tokenizer
from registry import Build, Need, build, part
from registry.types import PositiveInt, Probability

FOLDERS = {"definitions": "textcls", "dictionary": "dictionary", "languages": "languages", "eras": "eras"}
LABELS = "labels.json"


@part("data", "labelled_text")
class LabelledText(Data):
    """Rows of a table: a text, and the class it belongs to.

    A row is <bos> and the text, padded to the longest of its batch. The classes are the training file's labels, sorted.

    corpus: table that ships with the package, used unless `train` is given.
    train, valid, test: tables of your own, from the current folder (.tsv, .csv, .jsonl, .parquet, also .gz or .xz), or
        hf:NAME:SPLIT for a Hugging Face data set or a folder with one; `train` needs `valid`.
    text, label: names of the columns.
    train_rows: how many rows of the training file to learn from, the first ones; null for all. It has the same classes.
    length: the most tokens in a row, <bos> included.
    too_long: cut a longer text at the end (`about` counts them), or refuse the file.
    drop: share of the tokens that each training row goes without, other ones every time (word dropout, Iyyer et al.
        2015, Deep Unordered Composition Rivals Syntactic Methods); <bos> stays.
    batching: rows of a training batch are drawn at random, or are of like length, so that less is padded.
    """

    provides = frozenset({"labels"})
    needs = (Need("model.embedding", "tokens", "a text comes as tokens"),)
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Literal["definitions", "dictionary", "languages", "eras"] = "definitions",
        train: str | None = None,
        valid: str | None = None,
        test: str | None = None,
        text: str = "text",
        label: str = "label",
        train_rows: PositiveInt | None = None,
        tokenizer: Build[Tokenizer] = Bytes,
        length: PositiveInt = 256,
        too_long: TooLong = "cut",
        batch_size: PositiveInt = 32,
        drop: Probability = 0.0,
        batching: Batching = "shuffled",
    ) -> None:
        self.seed = seed
        self.length = length
        self.batch_size = batch_size
        self.drop = drop
        self.batching = batching
        self.train_rows = train_rows
        self.tokenizer = build(tokenizer, specials=len(SPECIALS))
        self.encoder = Encoder(self.tokenizer, length, too_long, bos=True)
        self.name = f"'{corpus}'" if train is None else train
        self.columns = (text, label)
        self.tables = Tables.find(CORPORA / FOLDERS[corpus], self.columns, train, valid, test)
        self._rows: dict[str, LabelledRows] = {}
        self._cut: dict[str, int] = {}

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @functools.cached_property
    def class_names(self) -> list[str]:  # type: ignore[override] # cached
        table = self.tables["train"]
        names = sorted(set(table.columns[self.columns[1]]))
        if len(names) < 2:
            where = f"column '{self.columns[1]}'"
            raise BadData(table.path, f"only one label, '{names[0]}', in {where}: nothing to tell apart")
        return names

    def prepare(self) -> None:
        if self._rows:
            return
        text = self.columns[0]
        splits = {split: self._table(split) for split in self.tables.splits()}
        numbers = {split: [self._number(table, i) for i in range(len(table))] for split, table in splits.items()}
        self.tokenizer.fit([t.encode() for t in splits["train"].columns[text]])
        for split, table in splits.items():
            ids, self._cut[split] = self.encoder.column(table, text)
            self._rows[split] = LabelledRows(ids, numbers[split], self.tokenizer.special("<pad>"))

    def _table(self, split: str) -> Table:
        return self.tables[split].first(self.train_rows) if split == "train" else self.tables[split]

    def _number(self, table: Table, i: int) -> int:
        name, row = table.columns[self.columns[1]][i], table.rows[i]
        if name not in self.class_names:
            known = ", ".join(self.class_names[:8]) + (", ..." if len(self.class_names) > 8 else "")
            raise BadData(table.path, f"label '{name}' is not in the training file, which has {known}", row=row)
        return self.class_names.index(name)

    def splits(self) -> list[str]:
        return self.tables.splits()

    def rows(self, split: str) -> LabelledRows:
        self.prepare()
        if split not in self._rows:
            raise BadData(split, f"there is no {split} table: give data.{split} a file")
        return self._rows[split]

    def train_loader(self) -> TrainLoader:
        whole = self.rows("train")
        rows = ThinnedRows(whole, self.drop) if self.drop else whole
        if self.batching == "shuffled":
            return TrainLoader(rows, self.batch_size, self.seed)
        lengths = torch.tensor([len(text) for text in whole.texts])
        return TrainLoader(Bucketed(rows, lengths, self.batch_size), self.batch_size, self.seed)

    def about(self) -> dict[str, Any]:
        self.prepare()
        sizes = {f"{split}_rows": len(rows) for split, rows in self._rows.items()}
        cut = {f"{split}_rows_cut": n for split, n in self._cut.items() if n}
        return {"about": f"labelled text {self.name}", **sizes, **cut, "classes": self.class_names, "vocab": self.vocab}

    def fingerprint(self) -> str:
        whole = self.tables.fingerprint()
        return whole if self.train_rows is None else digest(whole.encode(), str(self.train_rows).encode())

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)
        write_json(folder / LABELS, self.class_names)

    def load(self, folder: Path) -> None:
        names = saved_labels(folder)
        if names is not None:
            self.class_names = names
        super().load(folder)

    def items(self, source: str | Path) -> Items:
        """A text itself, a .txt file of one text a line, or a table with the text column."""
        table = given(source, self.columns[0])
        ids, _ = self.encoder.column(table, self.columns[0])
        return Items(LabelledRows(ids, None, self.tokenizer.special("<pad>")), table.columns[self.columns[0]])


def saved_labels(folder: Path) -> list[str] | None:
    """The names of the classes that a run saved; None where it saved none."""
    try:
        names: list[str] = json.loads((folder / LABELS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return names


class LabelledRows(Rows):
    """Encoded texts and the numbers of their classes, if known. A key is the number of a row."""

    def __init__(self, texts: list[list[int]], labels: list[int] | None, filler: int) -> None:
        self.texts = texts
        self.labels = None if labels is None else torch.tensor(labels)
        self.filler = filler

    def __len__(self) -> int:
        return len(self.texts)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """tokens, valid: [b n]; labels: [b], where they are known."""
        return self.of([self.texts[i] for i in keys.tolist()], keys)

    def of(self, texts: list[list[int]], rows: Tensor) -> Batch:
        """A batch of these texts, with the labels of these rows."""
        tokens, valid = pad(texts, self.filler)
        answers = {} if self.labels is None else {"labels": self.labels[rows]}
        return {"tokens": tokens, "valid": valid, **answers}


class ThinnedRows(Rows):
    """Rows without some of their tokens, <bos> apart. A key is [row seed]: the row, and what it goes without."""

    def __init__(self, rows: LabelledRows, drop: float) -> None:
        self.rows, self.drop = rows, drop

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return seeded(self.rows.keys(shuffle), shuffle)

    def batch(self, keys: Tensor) -> Batch:
        return self.rows.of([self._thinned(row, seed) for row, seed in keys.tolist()], keys[:, 0])

    def _thinned(self, row: int, seed: int) -> list[int]:
        bos, *text = self.rows.texts[row]
        stay = np.random.default_rng(seed).random(len(text)) >= self.drop
        return [bos, *compress(text, stay)]
