"""Pairs of texts that say the same, each text to be found by its partner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from experiments.data.base import Data, Items
from experiments.data.content import ending
from experiments.data.errors import BadData
from experiments.data.files import CORPORA, read_table, read_text
from experiments.data.formats import FORMATS
from experiments.data.loader import Batch, Batching, Bucketed, Rows, TrainLoader, pad, seeded
from experiments.data.reading.asked import ids_of
from experiments.data.reading.pairs import NEAR, listed_pairs, neighbours, passage_tables
from experiments.data.tables import Encoder, Tables, TooLong
from experiments.data.tokenizers import SPECIALS, Bytes, Tokenizer
from registry import Build, Need, build, part
from registry.types import PositiveInt

SIDES = {"passages": ("text_a", "text_b"), "bible": ("en", "es"), "interface": ("en", "de")}


@part("data", "passages")
class Passages(Data):
    """Two texts a row, each <bos> and its tokens: a passage and the same passage in other words or another language.

    For each split there is a list of pairs to judge, too, of which half belong together: that of the corpus, where it
    has one (`passages`), otherwise each row with its partner, and with that of a neighbour.

    corpus: used unless `train` is given. passages: 1 to 3 KB in two English translations. bible, interface: sentences
        in English and Spanish, English and German.
    train, valid, test: tables of your own; `train` needs `valid`.
    a, b: names of the columns; those of the corpus unless given.
    wrong: give with every training row a text that does not belong to it, too: that of a row at most six away in the
        file, as a task of telling such pairs apart needs it, or of any row.
    length: the most tokens of a text, <bos> included.
    too_long: cut a longer text at the end (`about` counts them), or refuse the file.
    batching: rows of a training batch are drawn at random, or are of like length, so that less is padded.
    """

    provides = frozenset({"text pairs"})
    needs = (Need("model.embedding", "tokens", "a text comes as tokens"),)
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Literal["passages", "bible", "interface"] = "passages",
        train: str | None = None,
        valid: str | None = None,
        test: str | None = None,
        a: str | None = None,
        b: str | None = None,
        wrong: Literal["near", "any"] | None = None,
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
        self.wrong = wrong
        self.tokenizer = build(tokenizer, specials=len(SPECIALS))
        self.encoder = Encoder(self.tokenizer, length, too_long, bos=True)
        self.name = f"'{corpus}'" if train is None else train
        self.listed = train is None and corpus == "passages"
        usual = SIDES[corpus] if train is None else ("a", "b")
        self.columns = (a or usual[0], b or usual[1])
        self.home = CORPORA / corpus
        self.tables: Tables = Tables.find(self.home, self.columns, train, valid, test)
        self._rows: dict[str, PairRows] = {}
        self._pairs: dict[str, Tensor] = {}
        self._cut: dict[str, int] = {}

    def prepare(self) -> None:
        if self._rows:
            return
        tables = passage_tables(self.home) if self.listed else {s: self.tables[s] for s in self.tables.splits()}
        texts = [text.encode() for name in self.columns for text in tables["train"].columns[name]]
        self.tokenizer.fit(texts)
        for split, table in tables.items():
            if len(table) < 2:
                raise BadData(table.path, "there is one pair only: nothing to tell its texts from")
            (first, cut), (second, more) = (self.encoder.column(table, name) for name in self.columns)
            self._cut[split] = cut + more
            wrong = self.wrong if split == "train" else None
            self._rows[split] = PairRows(first, second, wrong, self.tokenizer.special("<pad>"))
            self._pairs[split] = listed_pairs(self.home, split, table) if self.listed else neighbours(len(table))

    def splits(self) -> list[str]:
        return self.tables.splits()

    def rows(self, split: str) -> PairRows:
        self.prepare()
        if split not in self._rows:
            raise BadData(split, f"there is no {split} table: give data.{split} a file")
        return self._rows[split]

    def train_loader(self) -> TrainLoader:
        rows: PairRows | Bucketed = self.rows("train")
        if self.batching == "bucketed":
            pairs = zip(self.rows("train").first, self.rows("train").second, strict=True)
            rows = Bucketed(rows, torch.tensor([len(a) + len(b) for a, b in pairs]), self.batch_size)
        return TrainLoader(rows, self.batch_size, self.seed)

    def pairs(self, split: str) -> Tensor:
        """Pairs to judge: a row's first text, a row's second text, and 1 if they belong together, else 0. int [p 3]."""
        self.rows(split)
        return self._pairs[split]

    def texts(self, split: str) -> tuple[Sequence[str], Sequence[str]]:
        """Both sides as they are written, never cut."""
        table = passage_tables(self.home)[split] if self.listed else self.tables[split]
        first, second = (table.columns[name] for name in self.columns)
        return first, second

    def about(self) -> dict[str, Any]:
        self.prepare()
        sizes = {f"{split}_rows": len(rows) for split, rows in self._rows.items()}
        cut = {f"{split}_texts_cut": n for split, n in self._cut.items() if n}
        sides = "{} and {}".format(*self.columns)
        return {"about": f"pairs of texts, {sides}, {self.name}", **sizes, **cut, "vocab": self.vocab}

    def fingerprint(self) -> str:
        return self.tables.fingerprint()

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)

    def items(self, source: str | Path) -> Items:
        """A text, or two in two lines to be compared; a file with a text a line; or a table with both columns."""
        if isinstance(source, str):
            first, *rest = [line for line in source.split("\n") if line.strip()] or [""]
            sides = [[first], rest[:1]]
        elif ending(source) in FORMATS and ending(source) != ".txt":
            columns = read_table(source, self.columns).columns
            sides = [columns[name] for name in self.columns]
        else:
            sides = [[line for line in read_text(source).split("\n") if line.strip()], []]
        bos = self.tokenizer.special("<bos>")
        a, b = ([[bos, *ids_of(self.tokenizer, text)][: self.length] for text in side] for side in sides)
        return Items(PairRows(a, b, None, self.tokenizer.special("<pad>")), sides[0])


class PairRows(Rows):
    """Encoded pairs. Key: (row, seed); the seed draws the text that does not belong to the row, where there is one."""

    def __init__(
        self, first: list[list[int]], second: list[list[int]], wrong: Literal["near", "any"] | None, filler: int
    ) -> None:
        self.first, self.second, self.wrong, self.filler = first, second, wrong, filler

    def __len__(self) -> int:
        return len(self.first)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        order = torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)
        return seeded(order, shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """tokens, valid: [b n], the first texts; partner, partner_valid: [b k]; wrong, wrong_valid: [b l]; rows: [b].

        Of new inputs the first texts alone.
        """
        rows = keys[:, 0].tolist()
        tokens, valid = pad([self.first[i] for i in rows], self.filler)
        batch = {"tokens": tokens, "valid": valid}
        if self.second:
            batch["partner"], batch["partner_valid"] = pad([self.second[i] for i in rows], self.filler)
            batch["rows"] = keys[:, 0]
        if self.wrong is not None:
            drawn = [self._other(row, seed) for row, seed in keys.tolist()]
            batch["wrong"], batch["wrong_valid"] = pad([self.second[i] for i in drawn], self.filler)
        return batch

    def _other(self, row: int, seed: int) -> int:
        reach = NEAR if self.wrong == "near" else len(self)
        low, high = max(0, row - reach), min(len(self) - 1, row + reach)
        drawn = low + int(np.random.default_rng(seed).integers(high - low))
        return drawn + (drawn >= row)
