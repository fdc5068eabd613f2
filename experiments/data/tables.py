"""What the kinds of data on tables share: where the files are, and their columns as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from experiments.data.content import ending, lines_of
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.files import Table, read_table, read_text, shipped, table_content
from experiments.data.tokenizers import Tokenizer

TooLong = Literal["cut", "refuse"]


@dataclass
class Tables:
    """The named columns of each split, read when first asked for."""

    paths: dict[str, Path]
    columns: Sequence[str]
    _read: dict[str, Table] = field(default_factory=dict)

    @classmethod
    def find(cls, home: Path, columns: Sequence[str], train: str | None, valid: str | None, test: str | None) -> Tables:
        """The user's files, or those of a shipped corpus in `home` when there is no training file."""
        given = {"train": train, "valid": valid, "test": test}
        ours = {split: shipped(home, f"{split}.tsv") for split in given} if train is None else {}
        return cls(ours | {split: Path(path) for split, path in given.items() if path}, columns)

    def splits(self) -> list[str]:
        """The splits that there are; train and valid must be."""
        if "valid" not in self.paths:
            raise BadData(self.paths["train"], "data.train was given without data.valid: name a file for it too")
        return list(self.paths)

    def __getitem__(self, split: str) -> Table:
        if split not in self.paths:
            raise BadData(split, f"there is no {split} table: give data.{split} a file")
        if split not in self._read:
            self._read[split] = read_table(self.paths[split], self.columns)
        return self._read[split]

    def fingerprint(self) -> str:
        contents = [table_content(self.paths[split], self.columns) for split in ("train", "valid")]
        return digest(*contents, *(name.encode() for name in self.columns))


def given(source: str | Path, name: str) -> Table:
    """New inputs without answers: a text itself, a .txt file of one a line, or the named column of a table.

    Raises BadData.
    """
    if isinstance(source, str):
        if not source.strip():
            raise BadData("text", "it is empty")
        return Table(Path("text"), {name: [source]}, [1])
    if ending(source) != ".txt":
        return read_table(source, [name])
    lines = [(row, line) for row, line in enumerate(lines_of(read_text(source)), start=1) if line.strip()]
    return Table(source, {name: [line for _, line in lines]}, [row for row, _ in lines])


@dataclass(frozen=True)
class Encoder:
    """Texts to ids, with <bos> and <eos> as asked, at most `length` of them in all."""

    tokenizer: Tokenizer
    length: int
    too_long: TooLong
    bos: bool = False
    eos: bool = False

    def column(self, table: Table, name: str) -> tuple[list[list[int]], int]:
        """Ids of every text of a column, and how many texts had to be cut.

        Raises BadData at a longer text if it may not be cut.
        """
        before = [self.tokenizer.special("<bos>")] if self.bos else []
        after = [self.tokenizer.special("<eos>")] if self.eos else []
        room = self.length - len(before) - len(after)
        encoded, cut = [], 0
        for row, text in zip(table.rows, table.columns[name], strict=True):
            ids: list[int] = self.tokenizer.encode(text.encode()).tolist()
            if len(ids) > room:
                cut += 1
                if self.too_long == "refuse":
                    remedy = "raise data.length, or set data.too_long to cut"
                    raise BadData(table.path, f"'{name}' has {len(ids)} tokens, at most {room} fit: {remedy}", row=row)
            encoded.append(before + ids[:room] + after)
        return encoded, cut
