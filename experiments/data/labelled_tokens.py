"""Sequences with a label for every word, or for every symbol."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from experiments.atomic import write_json
from experiments.data.base import Data, Items
from experiments.data.content import read_bytes, read_text
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.files import CORPORA, shipped
from experiments.data.reading import hidden_states, punctuation
from experiments.data.reading.label_counts import baselines
from experiments.data.reading.tagged import Tagged, Unit, read_sequences, read_tagged, split
from experiments.data.reading.tagged_rows import Pieces, TaggedRows, TooLong
from experiments.data.tokenizers import SPECIALS, Bytes, Tokenizer
from experiments.results.plan import Reference
from registry import Build, Need, build, part
from registry.types import PositiveInt

LABELS = "labels.json"
SHIPPED = {
    "punctuation": ("word", list(punctuation.LABELS)),
    "hidden_states": ("symbol", list(hidden_states.STATES)),
}


@part("data", "labelled_tokens", paper="Devlin et al. 2018, arXiv 1810.04805, section 5.3 (labels on the first piece)")
class LabelledTokens(Data):
    """A label for every word of a text, or for every symbol of a sequence: <bos>, then the pieces of each unit.

    The first piece of a unit bears its label; the others are read, and not asked about.

    corpus: used unless `train` is given. punctuation: speeches in small letters without marks; the label says whether
        the word has a capital, and which mark follows. hidden_states: symbols made by a known rule, the labels being
        the states that gave them out, as the structure of a protein might be told from its amino acids.
    train, valid, test: files of your own; `train` needs `valid`. .conll, .bio, .iob: a word and its label a line, a
        blank line between sequences. .fasta, .fa: labels in a second record of the same name, or in a file beside it
        that ends in .labels. Tables (csv, tsv, jsonl, parquet): two columns. The classes are the training file's
        labels, sorted.
    unit: what has a label, in files of your own: words, parted by blanks, or symbols, one character each (always in
        .fasta).
    sequence, labels: names of the columns of a table.
    length: the most tokens in a row.
    too_long: a longer sequence becomes several rows that follow one another, every unit in one of them; or its end is
        cut off; or the file is refused.
    """

    provides = frozenset({"token labels"})
    needs = (Need("model.embedding", "tokens", "a sequence comes as tokens"),)
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Literal["punctuation", "hidden_states"] = "punctuation",
        train: str | None = None,
        valid: str | None = None,
        test: str | None = None,
        unit: Unit = "word",
        sequence: str = "sequence",
        labels: str = "labels",
        tokenizer: Build[Tokenizer] = Bytes,
        length: PositiveInt = 256,
        too_long: TooLong = "windows",
        batch_size: PositiveInt = 32,
    ) -> None:
        self.seed = seed
        self.length = length
        self.batch_size = batch_size
        self.too_long = too_long
        self.columns = (sequence, labels)
        self.tokenizer = build(tokenizer, specials=len(SPECIALS))
        self.corpus: str | None = corpus if train is None else None
        self.unit: Unit = unit if train else SHIPPED[corpus][0]  # type: ignore[assignment]
        self.name = f"'{corpus}'" if train is None else train
        given = {"train": train, "valid": valid, "test": test}
        self.paths = {name: Path(path) for name, path in given.items() if path}
        self._saved_names: list[str] | None = None
        self._sequences: dict[str, list[Tagged]] = {}
        self._rows: dict[str, TaggedRows] = {}
        self._units: dict[str, int] = {}

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @functools.cached_property
    def class_names(self) -> list[str]:  # type: ignore[override] # cached
        if self._saved_names is not None:
            return self._saved_names
        if self.corpus is not None:
            return list(SHIPPED[self.corpus][1])
        names = sorted({label for each in self.sequences("train") for label in each.labels})
        if len(names) < 2:
            raise BadData(self.paths["train"], f"only one label, '{names[0]}': nothing to tell apart")
        return names

    def splits(self) -> list[str]:
        if self.corpus is not None:
            return ["train", "valid", "test"]
        if "valid" not in self.paths:
            raise BadData(self.paths["train"], "data.train was given without data.valid: name a file for it too")
        return list(self.paths)

    def sequences(self, name: str) -> list[Tagged]:
        """The sequences of a split with their labels, whole."""
        if name not in self._sequences:
            self._sequences[name] = self._read(name)
        return self._sequences[name]

    def _read(self, name: str) -> list[Tagged]:
        match self.corpus:
            case None:
                return read_tagged(self.paths[name], self.unit, *self.columns)
            case "punctuation":
                return punctuation.speeches(read_text(shipped(CORPORA / "addresses", f"{name}.txt")))
            case _:
                return hidden_states.hidden_states(name)

    def prepare(self) -> None:
        if self._rows:
            return
        found = {name: self.sequences(name) for name in self.splits()}
        joint = " " if self.unit == "word" else ""
        self.tokenizer.fit([joint.join(each.units).encode() for each in found["train"]])
        pieces = Pieces(self.tokenizer, self.unit, self.length, self.too_long)
        numbers = {label: number for number, label in enumerate(self.class_names)}
        for name, sequences in found.items():
            path = self.paths.get(name, Path(self.name))
            rows = [row for each in sequences for row in pieces.rows(each, path, numbers)]
            self._units[name] = sum(len(row.places) for row in rows)
            self._rows[name] = TaggedRows(rows, self.tokenizer.special("<pad>"))

    def rows(self, split: str) -> TaggedRows:
        self.prepare()
        if split not in self._rows:
            raise BadData(split, f"there is no {split} file: give data.{split} one")
        return self._rows[split]

    def about(self) -> dict[str, Any]:
        self.prepare()
        sizes = {f"{name}_rows": len(rows) for name, rows in self._rows.items()}
        units = {f"{name}_{self.unit}s": count for name, count in self._units.items()}
        all_units = {name: sum(len(each.units) for each in self.sequences(name)) for name in self._rows}
        cut = {f"{name}_{self.unit}s_cut": n - self._units[name] for name, n in all_units.items()}
        facts = {**sizes, **units, **{name: n for name, n in cut.items() if n}}
        return {
            "about": f"labelled {self.unit}s {self.name}",
            **facts,
            "classes": self.class_names,
            "vocab": self.vocab,
        }

    def references(self) -> list[Reference]:
        return self.reference_scores("valid")

    def reference_scores(self, name: str) -> list[Reference]:
        """What a split's labels are told by without a model; of the made-up symbols also the best that anyone can."""
        others = self.sequences(name)
        found = baselines(self.sequences("train"), others)
        words = {
            "majority": "the label that most have in training, always",
            "unigram": f"the most frequent label of the same {self.unit} in training",
            "optimum": "the likeliest state given the whole sequence and the rule that made it",
        }
        if self.corpus == "hidden_states":
            found["optimum"] = hidden_states.optimum(others)
        return [
            Reference(rule, f"{name}/{metric}", value, words[rule])
            for rule, values in found.items()
            for metric, value in values.items()
        ]

    def fingerprint(self) -> str:
        if self.corpus is None:
            contents = [read_bytes(self.paths[name]) for name in ("train", "valid")]
        else:
            contents = [repr(self.sequences(name)).encode() for name in ("train", "valid")]
        return digest(*contents, self.unit.encode(), *(name.encode() for name in self.columns))

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)
        write_json(folder / LABELS, self.class_names)

    def load(self, folder: Path) -> None:
        if (folder / LABELS).is_file():
            self._saved_names = list(json.loads((folder / LABELS).read_text(encoding="utf-8")))
        super().load(folder)

    def items(self, source: str | Path) -> Items:
        """A sequence; or a file of sequences in any of the formats, without their labels, or one sequence a line."""
        if isinstance(source, Path):
            given = read_sequences(source, self.unit, self.columns[0])
        else:
            given = [Tagged(split(source.strip(), self.unit), [], 1)]
        if self.corpus == "punctuation":
            given = [Tagged(punctuation.stripped(" ".join(each.units))[0], [], each.row) for each in given]
        given = [each for each in given if each.units]
        if not given:
            raise BadData(str(source), "there is no sequence")
        pieces = Pieces(
            self.tokenizer, self.unit, self.length, "windows" if self.too_long == "refuse" else self.too_long
        )
        path = source if isinstance(source, Path) else Path("the input")
        rows = [row for each in given for row in pieces.rows(each, path, {})]
        joint = " " if self.unit == "word" else ""
        return Items(TaggedRows(rows, self.tokenizer.special("<pad>")), [joint.join(row.units) for row in rows])

    def written(self, units: Sequence[str], labels: Sequence[str]) -> str:
        """Units and their labels as people read them."""
        if self.corpus == "punctuation":
            return punctuation.restored(units, labels)
        if self.unit == "symbol":
            return "".join(labels)
        return " ".join(f"{unit}/{label}" for unit, label in zip(units, labels, strict=True))
