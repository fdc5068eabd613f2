"""Text with some of its tokens hidden, for masked language models."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge

from experiments.data.base import Data, Items
from experiments.data.digest import digest
from experiments.data.documents import Documents, Ids
from experiments.data.errors import BadData
from experiments.data.files import CORPORA, read_table, read_text, shipped
from experiments.data.gaps import MASK, between_masks, joined, numbered_lines
from experiments.data.masked_rows import GivenRows, Layout, MaskedRows
from experiments.data.masking import Edges, Masking, are_text
from experiments.data.tokenizers import SPECIALS, Bytes, Tokenizer
from experiments.results.plan import Reference
from registry import Build, Need, build, part
from registry.types import Fraction, Probability

FOLDERS = {"addresses": "addresses", "speeches": "lm", "dictionary": "dictionary"}
COLUMNS = {"dictionary": "text"}
"""Shipped corpora that are tables."""


@part(
    "data",
    "masked_text",
    paper="Devlin et al. 2018, arXiv 1810.04805, section 3.1; pairs: none as in Liu et al. 2019, arXiv 1907.11692",
)
class MaskedText(Data):
    """Text of one sentence a line and an empty line between documents, some tokens of each row hidden.

    A row is <bos> A <eos> B <eos>: segments of several sentences, the second of which follows the first or, half the
    time, comes from another document; or, without pairs, <bos>, whole sentences as they follow each other, across
    documents with an <eos> between, and <eos>. A pass has as many rows as fill the text; where each begins, its
    segments and what is hidden are drawn anew in every pass, and once for validation and test. Each sentence is encoded
    by itself.

    corpus: text that ships with the package, used unless `train` is given.
    train, valid, test: files of your own, from the current folder, UTF-8; `train` needs `valid`.
    column: your files are tables (.tsv, .csv, .jsonl, .parquet), and each text in this column is a document of one
        sentence: what a classifier of the same table can start from. Null for plain text.
    length: tokens in a row, special ones included.
    pairs: whether the second segment follows is to be told too (BERT), or none (RoBERTa).
    mask: share of a row's tokens to be told; 80 % of them are hidden, 10 % replaced by a random one, and 10 % stay.
    choose: tokens, or whole words (BERT's later models).
    short: share of the pairs that have a random length, down to 2 tokens.
    """

    provides = frozenset({"masked text"})
    needs = (Need("model.embedding", "tokens", "a text comes as tokens"),)
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Literal["addresses", "speeches", "dictionary"] = "addresses",
        train: str | None = None,
        valid: str | None = None,
        test: str | None = None,
        column: str | None = None,
        tokenizer: Build[Tokenizer] = Bytes,
        length: Annotated[int, Ge(8)] = 128,
        batch_size: Annotated[int, Ge(1)] = 32,
        pairs: Literal["next_sentence", "none"] = "next_sentence",
        mask: Fraction = 0.15,
        choose: Literal["tokens", "words"] = "tokens",
        short: Probability = 0.1,
    ) -> None:
        if column is not None and train is None:
            raise ValueError(f"column '{column}' is one of tables of your own: give train and valid too")
        self.seed = seed
        self.length = length
        self.batch_size = batch_size
        self.pairs = pairs == "next_sentence"
        self.share, self.choose, self.short = mask, choose, short
        self.tokenizer = build(tokenizer, specials=(*SPECIALS, MASK))
        self.name = f"'{corpus}'" if train is None else train
        self.column = COLUMNS.get(corpus) if train is None else column
        home, suffix = CORPORA / FOLDERS[corpus], ".txt" if self.column is None else ".tsv"
        given = {"train": train, "valid": valid, "test": test}
        self.paths = {split: shipped(home, split + suffix) for split in given} if train is None else {}
        self.paths |= {split: Path(path) for split, path in given.items() if path}
        self._fingerprint = ""
        self._documents: dict[str, Documents] = {}

    @property
    def mask(self) -> int:
        """The id that stands for a hidden token: the last of the vocabulary, or that which a user's tokenizer has."""
        return self.tokenizer.special(MASK)

    def shape(self) -> dict[str, int]:
        return {"embedding.types": 2, "head.nsp": True} if self.pairs else {}

    def prepare(self) -> None:
        if self._documents:
            return
        raw = {split: self._text(split).encode() for split in self.splits()}
        self.tokenizer.fit([raw["train"]])
        documents = {split: Documents.read(self.paths[split], raw[split], self.tokenizer) for split in raw}
        for split, found in documents.items():
            if self.pairs and len(found) < 2:
                remedy = "part documents by empty lines, or set data.pairs to none"
                raise BadData(self.paths[split], f"one document only, so none to take other sentences from: {remedy}")
        self._fingerprint = digest(raw["train"], raw["valid"])
        self._documents = documents

    def _text(self, split: str) -> str:
        if self.column is None:
            return read_text(self.paths[split])
        texts = read_table(self.paths[split], [self.column]).columns[self.column]
        return "\n\n".join(" ".join(text.splitlines()) for text in texts)

    def splits(self) -> list[str]:
        if "valid" not in self.paths:
            raise BadData(self.paths["train"], "data.train was given without data.valid: name a file for it too")
        return list(self.paths)

    def rows(self, split: str) -> MaskedRows:
        if split not in self.splits():
            raise BadData(split, f"there is no {split} text: give data.{split} a file")
        self.prepare()
        whole = Edges.of(self.tokenizer) if self.choose == "words" else None
        masking = Masking(self.share, self.mask, are_text(self.tokenizer), whole)
        return MaskedRows(self._documents[split], self._layout(), masking, self.short)

    def about(self) -> dict[str, Any]:
        self.prepare()
        sizes = {f"{split}_tokens": len(found.ids) for split, found in self._documents.items()}
        documents = {f"{split}_documents": len(found) for split, found in self._documents.items()}
        name = f"masked text {self.name}" + (" in pairs" if self.pairs else "")
        return {"about": name, **sizes, **documents, "vocab": self.vocab, "length": self.length}

    def references(self) -> list[Reference]:
        return self.simple("valid")

    def simple(self, split: str) -> list[Reference]:
        """What the commonest token, the frequencies of tokens and the commoner answer come to on a split."""
        self.prepare()
        counts = np.bincount(self._documents["train"].ids, minlength=self.tokenizer.vocab)
        chances = (counts + 1.0) / (counts + 1.0).sum()
        rows = self.rows(split)
        batch = rows.batch(rows.keys(None))
        told = batch["targets"][batch["scored"]].numpy()
        right, nats = float((told == counts.argmax()).mean()), float(-np.log(chances[told]).mean())
        alone = "frequencies of the training text's tokens"
        found = [
            Reference(
                "commonest token", f"{split}/masked_accuracy", right, "always the training text's commonest token"
            ),
            Reference("unigram model", f"{split}/masked_perplexity", math.exp(nats), alone),
        ]
        if self.pairs:
            follow = float(batch["follows"].double().mean())
            found.append(
                Reference("one answer", f"{split}/nsp_accuracy", max(follow, 1 - follow), "the commoner answer")
            )
        return found

    def fingerprint(self) -> str:
        self.prepare()
        return self._fingerprint

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)

    def items(self, source: str | Path) -> Items:
        """A text with <mask> where tokens are to be told, or a file of one a line.

        A tab parts two segments. Raises BadData for one that is too long.
        """
        numbered = numbered_lines(source)
        rows = [self._encoded(str(source), number, line) for number, line in numbered]
        return Items(GivenRows(self._layout(), rows), [line for _, line in numbered])

    def _layout(self) -> Layout:
        bos, eos, filler = (self.tokenizer.special(name) for name in ("<bos>", "<eos>", "<pad>"))
        return Layout(self.length, self.pairs, bos, eos, filler)

    def _encoded(self, source: str, row: int, line: str) -> list[Ids]:
        texts = line.split("\t", 1) if self.pairs else [line]
        pieces = [between_masks(self.tokenizer, text) for text in texts]
        segments = [joined(found, [self.mask] * (len(found) - 1)) for found in pieces]
        room = self.length - 1 - len(segments)
        if (tokens := sum(map(len, segments))) > room:
            raise BadData(source, f"{tokens} tokens, at most {room} fit", row=row)
        return segments
