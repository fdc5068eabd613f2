"""Pairs of sentences, for translation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from experiments.data.base import Data, Items
from experiments.data.errors import BadData
from experiments.data.files import CORPORA
from experiments.data.loader import Batch, Batching, Bucketed, Rows, TrainLoader, pad
from experiments.data.tables import Encoder, Tables, TooLong, given
from experiments.data.tokenizers import SPECIALS, Bytes, Tokenizer
from registry import Build, Need, build, part
from registry.types import PositiveInt

FOLDERS = {"verses": "parallel_en_es", "bible": "bible", "interface": "interface"}


@part("data", "parallel_text")
class ParallelText(Data):
    """Rows of a table: a sentence, and its translation.

    One tokenizer serves both sides, so they share their vocabulary. The source ends with <eos>; the decoder reads <bos>
    and the target, and is to answer the target and <eos>. Both are padded on the right to the longest of the batch.

    corpus: table that ships with the package, used unless `train` is given.
    train, valid, test: tables of your own, from the current folder (.tsv, .csv, .jsonl, .parquet, also .gz or .xz), or
        hf:NAME:SPLIT for a Hugging Face data set or a folder with one; `train` needs `valid`.
    source, target: names of the columns.
    length: the most tokens on either side, special ones included.
    too_long: cut a longer sentence at the end (`about` counts them), or refuse the file.
    batching: rows of a training batch are drawn at random, or are of like length, so that less is padded.
    """

    provides = frozenset({"pairs"})
    needs = (Need("model.embedding", "tokens", "a text comes as tokens"),)
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Literal["verses", "bible", "interface"] = "verses",
        train: str | None = None,
        valid: str | None = None,
        test: str | None = None,
        source: str = "en",
        target: str = "es",
        tokenizer: Build[Tokenizer] = Bytes,
        length: PositiveInt = 256,
        too_long: TooLong = "cut",
        batch_size: PositiveInt = 32,
        batching: Batching = "shuffled",
    ) -> None:
        self.seed = seed
        self.length = length
        self.batch_size = batch_size
        self.batching = batching
        self.tokenizer = build(tokenizer, specials=len(SPECIALS))
        self.encoder = Encoder(self.tokenizer, length, too_long, eos=True)
        self.name = f"'{corpus}'" if train is None else train
        self.columns = (source, target)
        self.tables = Tables.find(CORPORA / FOLDERS[corpus], self.columns, train, valid, test)
        self._rows: dict[str, ParallelRows] = {}
        self._cut: dict[str, int] = {}

    @property
    def source_vocab(self) -> int:
        return self.tokenizer.vocab

    def prepare(self) -> None:
        if self._rows:
            return
        splits = {split: self.tables[split] for split in self.tables.splits()}
        self.tokenizer.fit([t.encode() for column in splits["train"].columns.values() for t in column])
        bos, filler = self.tokenizer.special("<bos>"), self.tokenizer.special("<pad>")
        for split, table in splits.items():
            (source, cut), (target, more) = (self.encoder.column(table, name) for name in self.columns)
            self._cut[split] = cut + more
            self._rows[split] = ParallelRows(source, target, table.columns[self.columns[1]], bos, filler)

    def splits(self) -> list[str]:
        return self.tables.splits()

    def rows(self, split: str) -> ParallelRows:
        self.prepare()
        if split not in self._rows:
            raise BadData(split, f"there is no {split} table: give data.{split} a file")
        return self._rows[split]

    def train_loader(self) -> TrainLoader:
        rows = self.rows("train")
        if self.batching == "shuffled":
            return TrainLoader(rows, self.batch_size, self.seed)
        pairs = zip(rows.source, rows.target, strict=True)
        lengths = torch.tensor([len(source) + len(target) for source, target in pairs])
        return TrainLoader(Bucketed(rows, lengths, self.batch_size), self.batch_size, self.seed)

    def about(self) -> dict[str, Any]:
        self.prepare()
        sizes = {f"{split}_rows": len(rows) for split, rows in self._rows.items()}
        cut = {f"{split}_sentences_cut": n for split, n in self._cut.items() if n}
        pair = "{} to {}".format(*self.columns)
        return {"about": f"{pair}, {self.name}", **sizes, **cut, "vocab": self.vocab, "length": self.length}

    def fingerprint(self) -> str:
        return self.tables.fingerprint()

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)

    def items(self, source: str | Path) -> Items:
        """A sentence itself, a .txt file of one a line, or a table with the source column."""
        table = given(source, self.columns[0])
        ids, _ = self.encoder.column(table, self.columns[0])
        return Items(SourceRows(ids, self.tokenizer.special("<pad>")), table.columns[self.columns[0]])


class ParallelRows(Rows):
    """Encoded pairs. A key is the number of a row. `texts` are the target sentences as they were, never cut."""

    def __init__(
        self, source: list[list[int]], target: list[list[int]], texts: Sequence[str], bos: int, filler: int
    ) -> None:
        self.source = source
        self.target = target
        self.texts = texts
        self.bos = bos
        self.filler = filler

    def __len__(self) -> int:
        return len(self.source)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """source, source_valid: [b k]; tokens (what the decoder reads), targets, valid: [b n]; rows: [b]."""
        rows = keys.tolist()
        source, source_valid = pad([self.source[i] for i in rows], self.filler)
        targets, valid = pad([self.target[i] for i in rows], self.filler)
        tokens, _ = pad([[self.bos, *self.target[i][:-1]] for i in rows], self.filler)
        return {
            "source": source,
            "source_valid": source_valid,
            "tokens": tokens,
            "targets": targets,
            "valid": valid,
            "rows": keys,
        }


class SourceRows(Rows):
    """Encoded sentences that nobody has translated yet. A key is the number of a row."""

    def __init__(self, source: list[list[int]], filler: int) -> None:
        self.source = source
        self.filler = filler

    def __len__(self) -> int:
        return len(self.source)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """source, source_valid: [b k]; rows: [b]."""
        source, source_valid = pad([self.source[i] for i in keys.tolist()], self.filler)
        return {"source": source, "source_valid": source_valid, "rows": keys}
