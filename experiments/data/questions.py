"""Questions whose answers stand in a text beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Le
from torch import Tensor

from experiments.data.base import Data, Items
from experiments.data.errors import BadData
from experiments.data.files import CORPORA, Table, read_table
from experiments.data.loader import Batch, Rows
from experiments.data.reading.asked import NOWHERE, Asked, batch_of, ids_of, piece_sizes, tokens_of
from experiments.data.reading.dictionary_questions import COLUMNS, DictionaryQuestions, entry, question
from experiments.data.tables import Tables, TooLong
from experiments.data.tokenizers import SPECIALS, Bytes, Tokenizer
from experiments.results.plan import Reference
from registry import Build, Need, build, part
from registry.types import PositiveInt

ASKED = ("question", "context", "answer", "start")


@part("data", "questions", paper="Devlin et al. 2018, arXiv 1810.04805, section 4.2 (the row); Rajpurkar et al. 2016")
class Questions(Data):
    """A question, a text, and where in the text the answer stands: <bos> question <eos> text <eos>, types 0 and 1.

    The shipped ones are made from a dictionary: a context of several entries, and the question which of these is, say,
    an animal. Exactly one is; the answer is its word. The training has new contexts in every pass.

    corpus: used unless `train` is given. entries: in a context of the dictionary.
    train, valid, test: tables of your own with columns question, context, answer and start (the character of the
        context at which the answer starts, from 0); `train` needs `valid`.
    length: the most tokens in a row.
    too_long: cut a longer context at its end, or refuse the file. A training row whose answer is lost is left out; in
        evaluation it counts as wrong.
    """

    provides = frozenset({"questions"})
    needs = (Need("model.embedding", "tokens", "a text comes as tokens"),)
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Literal["dictionary"] = "dictionary",
        entries: Annotated[int, Ge(2), Le(12)] = 4,
        train: str | None = None,
        valid: str | None = None,
        test: str | None = None,
        tokenizer: Build[Tokenizer] = Bytes,
        length: PositiveInt = 384,
        too_long: TooLong = "cut",
        batch_size: PositiveInt = 32,
    ) -> None:
        self.seed = seed
        self.length = length
        self.batch_size = batch_size
        self.too_long = too_long
        self.entries = entries
        self.tokenizer = build(tokenizer, specials=len(SPECIALS))
        self.own = train is not None
        self.name = f"'{corpus}'" if train is None else train
        columns = ASKED if self.own else COLUMNS
        self.tables = Tables.find(CORPORA / corpus, columns, train, valid, test)
        self._rows: dict[str, AskedRows | DictionaryQuestions] = {}

    def prepare(self) -> None:
        if self._rows:
            return
        tables = {split: self.tables[split] for split in self.tables.splits()}
        self.tokenizer.fit([text.encode() for text in self._texts(tables["train"])])
        for split, table in tables.items():
            if self.own:
                self._rows[split] = AskedRows(self._asked(table, split), self.tokenizer)
            else:
                self._rows[split] = DictionaryQuestions(table, self.tokenizer, self.entries, self.length)

    def splits(self) -> list[str]:
        return self.tables.splits()

    def rows(self, split: str) -> AskedRows | DictionaryQuestions:
        self.prepare()
        if split not in self._rows:
            raise BadData(split, f"there is no {split} table: give data.{split} a file")
        return self._rows[split]

    def about(self) -> dict[str, Any]:
        self.prepare()
        sizes = {f"{split}_rows": len(rows) for split, rows in self._rows.items()}
        cut = {f"{split}_cut": rows.cut for split, rows in self._rows.items() if rows.cut}
        return {"about": f"questions {self.name}", **sizes, **cut, "vocab": self.vocab, "length": self.length}

    def references(self) -> list[Reference]:
        if self.own:
            return []
        words = f"one of the {self.entries} entries of the context, at random"
        return [Reference("random entry", "valid/exact_match", 1 / self.entries, words)]

    def fingerprint(self) -> str:
        return self.tables.fingerprint()

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)

    def items(self, source: str | Path) -> Items:
        """A text whose first line is the question, the rest the context; or a table with these two columns."""
        if isinstance(source, Path):
            table = read_table(source, ASKED[:2])
            pairs = list(zip(*(table.columns[name] for name in ASKED[:2]), strict=True))
        else:
            first, _, rest = source.partition("\n")
            if not rest.strip():
                raise BadData("the input", "a question on the first line and the text below it are wanted")
            pairs = [(first.strip(), rest.strip())]
        asked = [Asked(ids_of(self.tokenizer, q), ids_of(self.tokenizer, c)) for q, c in pairs]
        room = [self.length - 3 - len(a.question) for a in asked]
        for (q, _), left in zip(pairs, room, strict=True):
            if left < 1:
                raise BadData("the input", f"the question leaves no room for a text within {self.length} tokens: {q}")
        rows = [(a.cut(left), "") for a, left in zip(asked, room, strict=True)]
        return Items(AskedRows(rows, self.tokenizer, answered=False), [q for q, _ in pairs])

    def _texts(self, table: Table) -> list[str]:
        if self.own:
            return [text for name in ASKED[:2] for text in table.columns[name]]
        labels, words, texts = (table.columns[name] for name in COLUMNS)
        asked = [question(label) for label in sorted(set(labels))]
        return [*asked, *(entry(word, text) for word, text in zip(words, texts, strict=True))]

    def _asked(self, table: Table, split: str) -> list[tuple[Asked, str]]:
        """The rows of a file of one's own, and their answers. Raises BadData."""
        found, sizes = [], piece_sizes(self.tokenizer)
        columns = zip(table.rows, *(table.columns[name] for name in ASKED), strict=True)
        for row, text, context, answer, start in columns:
            if not start.isascii() or not start.isdigit():
                raise BadData(table.path, f"start is '{start}', not a character's number, from 0", row=row)
            there = context[int(start) : int(start) + len(answer)]
            if there != answer:
                raise BadData(table.path, f"the answer '{answer}' is not at {start}: there is '{there}'", row=row)
            ids = ids_of(self.tokenizer, context)
            try:
                span = tokens_of(context, ids, sizes, int(start), answer)
            except ValueError as error:
                raise BadData(table.path, str(error), row=row) from None
            asked = Asked(ids_of(self.tokenizer, text), ids, *span)
            room = self.length - 3 - len(asked.question)
            if len(ids) > room and (self.too_long == "refuse" or room < 1):
                tokens = len(ids) + len(asked.question) + 3
                remedy = "raise data.length" + ("" if room < 1 else ", or set data.too_long to cut")
                raise BadData(table.path, f"{tokens} tokens, at most {self.length} fit: {remedy}", row=row)
            short = asked.cut(room)
            if split != "train" or short.first != NOWHERE:
                found.append((short, answer))
        if not found:
            raise BadData(table.path, f"no answer is within the first {self.length} tokens: raise data.length")
        return found


class AskedRows(Rows):
    """Questions from a file, each with its answer as it is written there. A key is the number of a row."""

    def __init__(self, asked: list[tuple[Asked, str]], tokenizer: Tokenizer, answered: bool = True) -> None:
        self.asked, self.tokenizer, self.answered = asked, tokenizer, answered
        self.cut = sum(a.first == NOWHERE for a, _ in asked) if answered else 0

    def __len__(self) -> int:
        return len(self.asked)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """As `asked.batch_of`; rows: [b]. Of new inputs, without the answers."""
        batch = batch_of([self.asked[i][0] for i in keys.tolist()], self.tokenizer)
        if not self.answered:
            return {name: tensor for name, tensor in batch.items() if name not in ("starts", "ends")}
        return {**batch, "rows": keys}

    def answer(self, row: int) -> str:
        return self.asked[row][1]
