"""Several tables as one task: every question a text with a prefix that says what is asked, every answer a text."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from experiments.data.base import Data, Items
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.files import CORPORA, Table
from experiments.data.gaps import numbered_lines
from experiments.data.loader import Batch, Rows, chunks, pad
from experiments.data.tables import Encoder, Tables, TooLong
from experiments.data.tokenizers import SPECIALS, Bytes, Tokenizer
from experiments.results.plan import Reference
from registry import Build, Need, build, part
from registry.types import PositiveInt

Score = Literal["exact", "overlap"]


@dataclass(frozen=True)
class TextTask:
    """A table of which one column is asked for another.

    source, target: names of the columns. prefix: what the question begins with. score: how answers are compared with
    the target: exact, by the share that is the same; overlap, by chrF and BLEU.
    corpus: table that ships with the package; or train, valid, test: files of your own, from the current folder.
    """

    source: str
    target: str
    prefix: str = ""
    score: Score = "exact"
    corpus: Literal["definitions", "dictionary", "languages", "verses", "bible", "interface"] | None = None
    train: str | None = None
    valid: str | None = None
    test: str | None = None


FOLDERS = {
    "definitions": "textcls",
    "dictionary": "dictionary",
    "languages": "languages",
    "verses": "parallel_en_es",
    "bible": "bible",
    "interface": "interface",
}


@part("data", "text_to_text", paper="Raffel et al. 2019 (T5), arXiv 1910.10683, sections 2.4 and 3.5.2")
class TextToText(Data):
    """Tables of several tasks, mixed: the encoder reads a prefix and the source, the decoder writes the target.

    The source ends with <eos>; the decoder reads <bos> and the target, and is to answer the target and <eos>. One
    tokenizer serves all of it. In validation and test a batch is of one task, the tasks in turn.

    tasks: by the name that their metrics get.
    mixing: proportional, every row of every task once in a pass; or equal, as many rows of each as they have on
        average, so that those of smaller tables come more than once and of larger ones not all.
    length: the most tokens on either side, special ones included.
    too_long: cut a longer text at the end (`about` counts them), or refuse the file.
    """

    provides = frozenset({"text tasks"})
    needs = (Need("model.embedding", "tokens", "a text comes as tokens"),)
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        tasks: dict[str, TextTask],
        mixing: Literal["proportional", "equal"] = "proportional",
        tokenizer: Build[Tokenizer] = Bytes,
        length: PositiveInt = 128,
        too_long: TooLong = "cut",
        batch_size: PositiveInt = 32,
    ) -> None:
        if not tasks:
            raise ValueError("data 'text_to_text' needs at least one task: name it under `tasks`")
        for name, task in tasks.items():
            if (task.corpus is None) == (task.train is None):
                raise ValueError(f"task '{name}' of the data needs either a `corpus` or a `train` file")
        self.seed = seed
        self.length = length
        self.batch_size = batch_size
        self.tasks = tasks
        self.mixing = mixing
        self.tokenizer = build(tokenizer, specials=len(SPECIALS))
        self.encoder = Encoder(self.tokenizer, length, too_long, eos=True)
        self.tables = {name: _tables(task) for name, task in tasks.items()}
        self._rows: dict[str, TaskRows] = {}
        self._cut: dict[str, int] = {}

    @property
    def source_vocab(self) -> int:
        return self.tokenizer.vocab

    def prepare(self) -> None:
        if self._rows:
            return
        asked = {split: {name: self._asked(name, split) for name in self.tasks} for split in self.splits()}
        texts = [text for table in asked["train"].values() for column in table.columns.values() for text in column]
        self.tokenizer.fit([text.encode() for text in texts])
        bos, filler = self.tokenizer.special("<bos>"), self.tokenizer.special("<pad>")
        for split, tables in asked.items():
            source, target, references, of = [], [], [], []
            self._cut[split] = 0
            for number, (name, table) in enumerate(tables.items()):
                columns = (self.tasks[name].source, self.tasks[name].target)
                (read, cut), (written, more) = (self.encoder.column(table, column) for column in columns)
                source += read
                target += written
                references += table.columns[columns[1]]
                of += [number] * len(table)
                self._cut[split] += cut + more
            self._rows[split] = TaskRows(source, target, references, of, bos, filler, self.mixing)

    def splits(self) -> list[str]:
        """The splits that every task has."""
        found = [tables.splits() for tables in self.tables.values()]
        return [split for split in found[0] if all(split in splits for splits in found)]

    def rows(self, split: str) -> TaskRows:
        self.prepare()
        if split not in self._rows:
            raise BadData(split, f"there is no {split} table in every task: give each a file")
        return self._rows[split]

    def about(self) -> dict[str, Any]:
        self.prepare()
        sizes = {f"{split}_rows": len(rows) for split, rows in self._rows.items()}
        cut = {f"{split}_texts_cut": n for split, n in self._cut.items() if n}
        name = f"text to text: {', '.join(self.tasks)}"
        return {"about": name, **sizes, **cut, "vocab": self.vocab, "length": self.length}

    def references(self) -> list[Reference]:
        return self.simple("valid")

    def simple(self, split: str) -> list[Reference]:
        """The commonest answer where answers are to be exact, the source as it is where they are to overlap."""
        return [reference for name, task in self.tasks.items() for reference in self._simple(name, task, split)]

    def _simple(self, name: str, task: TextTask, split: str) -> list[Reference]:
        train, table = self.tables[name]["train"], self.tables[name][split]
        answers = table.columns[task.target]
        if task.score == "exact":
            common, _ = Counter(train.columns[task.target]).most_common(1)[0]
            share = answers.count(common) / len(answers)
            return [Reference("commonest answer", f"{split}/{name}_accuracy", share, f"always '{common}'")]
        import sacrebleu

        found = sacrebleu.corpus_chrf(table.columns[task.source], [answers]).score
        return [Reference("copied source", f"{split}/{name}_chrf", found, "the source as it is, without the prefix")]

    def fingerprint(self) -> str:
        parts = [f"{name} {task.prefix} {self.tables[name].fingerprint()}" for name, task in self.tasks.items()]
        return digest(*(part.encode() for part in parts))

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)

    def items(self, source: str | Path) -> Items:
        """A question with its prefix, or a file of one a line. Raises BadData for one that is too long."""
        numbered = numbered_lines(source)
        lines = [line for _, line in numbered]
        table = Table(Path(str(source)), {"question": lines}, [number for number, _ in numbered])
        ids, _ = dataclasses.replace(self.encoder, too_long="refuse").column(table, "question")
        return Items(Questions(ids, self.tokenizer.special("<pad>")), lines)

    def _asked(self, name: str, split: str) -> Table:
        """A table with the prefix before every source."""
        task, table = self.tasks[name], self.tables[name][split]
        source = [task.prefix + text for text in table.columns[task.source]]
        return dataclasses.replace(table, columns={**table.columns, task.source: source})


def _tables(task: TextTask) -> Tables:
    home = CORPORA / FOLDERS[task.corpus] if task.corpus else Path()
    return Tables.find(home, (task.source, task.target), task.train, task.valid, task.test)


class TaskRows(Rows):
    """Encoded questions and answers of all tasks. A key is the number of a row.

    texts: the answers as they were, never cut. of: the number of the task of each row.
    """

    def __init__(
        self,
        source: list[list[int]],
        target: list[list[int]],
        texts: Sequence[str],
        of: list[int],
        bos: int,
        filler: int,
        mixing: str,
    ) -> None:
        self.source, self.target, self.texts = source, target, texts
        self.of = torch.tensor(of)
        self.bos, self.filler, self.mixing = bos, filler, mixing

    def __len__(self) -> int:
        return len(self.source)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        if shuffle is None:
            return torch.arange(len(self))
        if self.mixing == "equal":
            return self._equal(shuffle)
        return torch.randperm(len(self), generator=shuffle)

    def _equal(self, shuffle: torch.Generator) -> Tensor:
        """As many keys of each task, the first tasks one more where they do not come out even; in a drawn order."""
        tasks = [(self.of == number).nonzero().flatten() for number in range(int(self.of.max()) + 1)]
        each, more = divmod(len(self), len(tasks))
        drawn = []
        for number, rows in enumerate(tasks):
            wanted = each + (number < more)
            passes = [rows[torch.randperm(len(rows), generator=shuffle)] for _ in range(-(-wanted // len(rows)))]
            drawn.append(torch.cat(passes)[:wanted])
        found = torch.cat(drawn)
        return found[torch.randperm(len(found), generator=shuffle)]

    def batches(self, size: int) -> list[Tensor]:
        """Batches of one task each, the tasks in turn."""
        tasks = [chunks((self.of == n).nonzero().flatten(), size) for n in range(int(self.of.max()) + 1)]
        longest = max(map(len, tasks))
        return [found[i] for i in range(longest) for found in tasks if i < len(found)]

    def batch(self, keys: Tensor) -> Batch:
        """source, source_valid: [b k]; tokens (what the decoder reads), targets, valid: [b n]; rows, tasks: [b]."""
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
            "tasks": self.of[keys],
        }


class Questions(Rows):
    """New questions, already encoded. A key is the number of a row."""

    def __init__(self, source: list[list[int]], filler: int) -> None:
        self.source, self.filler = source, filler

    def __len__(self) -> int:
        return len(self.source)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """source, source_valid: [b k]."""
        source, valid = pad([self.source[i] for i in keys.tolist()], self.filler)
        return {"source": source, "source_valid": valid}
