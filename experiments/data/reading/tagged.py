"""Sequences with a label for each of their units (words or single symbols), from files of several formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from experiments.data.content import ending, read_text
from experiments.data.errors import BadData
from experiments.data.files import read_table

Unit: TypeAlias = Literal["word", "symbol"]

BLOCKS = (".conll", ".bio", ".iob", ".iob2")
FASTA = (".fasta", ".fa", ".faa")
_KINDS_OF_RECORD = (":sequence", ":secstr", ":labels")


@dataclass(frozen=True)
class Tagged:
    """The units of a sequence with their labels (none for a new input). row: where in its file it starts."""

    units: Sequence[str]
    labels: Sequence[str]
    row: int


def split(text: str, unit: Unit) -> list[str]:
    return text.split() if unit == "word" else list(text)


def read_tagged(path: Path, unit: Unit, sequence: str, labels: str) -> list[Tagged]:
    """The sequences of a file, each with its labels.

    .conll, .bio, .iob: a unit and its label a line, in the first and the last column; a blank line between sequences.
    .fasta, .fa: labels in a second record of the same name, or in a file of the same name that ends in .labels.
    Tables: the two named columns; units parted by blanks if they are words, otherwise each character one.

    Raises BadData where units and labels do not go together.
    """
    match ending(path):
        case end if end in BLOCKS:
            found = list(_blocks(path, labelled=True))
        case end if end in FASTA:
            found = _fasta(path)
        case _:
            table = read_table(path, (sequence, labels))
            columns = zip(table.columns[sequence], table.columns[labels], table.rows, strict=True)
            found = [Tagged(split(text, unit), split(tags, unit), row) for text, tags, row in columns]
    if not found:
        raise BadData(path, "there is no sequence")
    for each in found:
        if len(each.units) != len(each.labels):
            about = f"{len(each.units)} {unit}s and {len(each.labels)} labels: every {unit} needs one"
            raise BadData(path, about, row=each.row)
    return found


def read_sequences(path: Path, unit: Unit, sequence: str) -> list[Tagged]:
    """The sequences of a file without labels; any ending that is none of those above: one sequence a line."""
    match ending(path):
        case end if end in BLOCKS:
            return list(_blocks(path, labelled=False))
        case end if end in FASTA:
            return [Tagged(list(text), [], row) for _, text, row in _records(path)]
        case ".csv" | ".tsv" | ".jsonl" | ".parquet":
            table = read_table(path, (sequence,))
            return [Tagged(split(t, unit), [], row) for t, row in zip(table.columns[sequence], table.rows, strict=True)]
        case _:
            lines = enumerate(read_text(path).split("\n"), start=1)
            return [Tagged(split(line.strip(), unit), [], row) for row, line in lines if line.strip()]


def _blocks(path: Path, *, labelled: bool) -> Iterator[Tagged]:
    units: list[str] = []
    labels: list[str] = []
    first = 1
    for row, line in enumerate([*read_text(path).split("\n"), ""], start=1):
        cells = line.split("\t") if "\t" in line else line.split()
        if cells[:1] == ["-DOCSTART-"]:
            continue
        if line.strip():
            if labelled and (len(cells) < 2 or not cells[0].strip() or not cells[-1].strip()):
                raise BadData(path, f"a word and its label are wanted on a line, there is '{line.strip()}'", row=row)
            first = first if units else row
            units.append(cells[0].strip())
            labels.append(cells[-1].strip())
        elif units:
            yield Tagged(units, labels if labelled else [], first)
            units, labels = [], []


def _fasta(path: Path) -> list[Tagged]:
    records = list(_records(path))
    beside = _beside(path)
    if beside is not None:
        tags = {name: text for name, text, _ in _records(beside)}
        for name, _, row in records:
            if name not in tags:
                raise BadData(path, f"'{name}' has no labels in {beside.name}", row=row)
        return [Tagged(list(text), list(tags[name]), row) for name, text, row in records]
    found = []
    for (name, text, row), after in zip(records[::2], [*records[1::2], None], strict=False):
        if after is None or after[0] != name:
            about = f"'{name}' has no labels: give them as the next record, of the same name, or in {_labels_of(path)}"
            raise BadData(path, about, row=row)
        found.append(Tagged(list(text), list(after[1]), row))
    return found


def _labels_of(path: Path) -> str:
    plain = path.with_suffix("") if ending(path) != path.suffix.lower() else path
    return plain.with_suffix(".labels").name


def _beside(path: Path) -> Path | None:
    names = [path.with_name(_labels_of(path) + end) for end in ("", ".gz", ".xz")]
    return next((name for name in names if name.is_file()), None)


def _records(path: Path) -> Iterator[tuple[str, str, int]]:
    """The name, the text and the first line of each record. Blanks within a line are symbols like others."""
    name, lines, first = "", list[str](), 0
    for row, line in enumerate(read_text(path).split("\n"), start=1):
        line = line.rstrip("\r")
        if line.startswith(">"):
            if first:
                yield _record(path, name, lines, first)
            name, lines, first = (line[1:].split() or [""])[0], [], row
        elif line and not first:
            raise BadData(path, "a record starts with a line '>name'", row=row)
        else:
            lines.append(line)
    if not first:
        raise BadData(path, "there is no record: a line '>name' and the symbols below it")
    yield _record(path, name, lines, first)


def _record(path: Path, name: str, lines: list[str], first: int) -> tuple[str, str, int]:
    text = "".join(lines)
    if not text.strip():
        raise BadData(path, f"record '{name}' is empty", row=first)
    for kind in _KINDS_OF_RECORD:
        name = name.removesuffix(kind)
    return name, text, first
