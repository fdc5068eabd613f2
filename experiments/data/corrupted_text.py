"""Text with spans dropped, for models that write what was dropped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor

from experiments.data.base import Data, Items
from experiments.data.documents import Ids
from experiments.data.errors import BadData
from experiments.data.gaps import between_masks, joined, numbered_lines
from experiments.data.loader import Batch, Rows, pad, seeded
from experiments.data.masking import are_text
from experiments.data.spans import Corruption, with_sentinels
from experiments.data.text import Text
from experiments.data.tokenizers import SPECIALS, Bytes, Tokenizer
from experiments.results.plan import Reference
from registry import Build, Need, build, part
from registry.types import PositiveInt


@part("data", "corrupted_text", paper="Raffel et al. 2019 (T5), arXiv 1910.10683, sections 3.1.4 and 3.3.4")
class CorruptedText(Data):
    """Running text in windows, of each some spans dropped: the encoder reads the rest, the decoder writes the spans.

    Source: the window with a sentinel for each span, and <eos>. Target: each sentinel with the tokens it stands for,
    and <eos>; no sentinel after the last span (the paper's figure 2 has one, the authors' code does not). The decoder
    begins with <bos>. Windows tile the text, from a new random offset in every pass; what is dropped is drawn anew in
    every pass, and once for validation and test.

    corpus: text that ships with the package, used unless `train` is given.
    train, valid, test: files of your own, from the current folder; without `valid` the last tenth of `train` is held
        out for it.
    length: tokens that the encoder reads; a window has as many as are left so long once it is corrupted.
    density: share of the tokens that are dropped. span: how many of them stand together, on average.
    sentinels: how many there are in the vocabulary; a window needs one for each span.
    """

    provides = frozenset({"corrupted text"})
    needs = (Need("model.embedding", "tokens", "a text comes as tokens"),)
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Literal["addresses", "speeches"] = "addresses",
        train: str | None = None,
        valid: str | None = None,
        test: str | None = None,
        tokenizer: Build[Tokenizer] = Bytes,
        length: Annotated[int, Ge(8)] = 128,
        batch_size: PositiveInt = 32,
        density: Annotated[float, Gt(0.0), Lt(1.0)] = 0.15,
        span: Annotated[float, Ge(1.0)] = 3.0,
        sentinels: PositiveInt = 100,
    ) -> None:
        self.seed = seed
        self.batch_size = batch_size
        self.sentinels = sentinels
        # the first sentinel is the last of the vocabulary, as in the authors' code
        names = tuple(f"<extra_id_{number}>" for number in reversed(range(sentinels)))
        self.tokenizer = build(tokenizer, specials=(*SPECIALS, *names))
        self.corruption = Corruption(density, span)
        self.window = self.corruption.window(length)
        # the decoder reads one token less than it writes, behind <bos>
        self.length = max(length, self.corruption.lengths(self.window)[1])
        if (spans := self.corruption.spans(self.window)) > sentinels:
            raise ValueError(f"a window has {spans} spans but there are {sentinels} sentinels: raise data.sentinels")
        files: dict[str, Any] = {"corpus": corpus, "train": train, "valid": valid, "test": test}
        self.text = Text(seed, **files, tokenizer=lambda: self.tokenizer, length=self.window, batch_size=batch_size)

    @property
    def source_vocab(self) -> int:
        return self.tokenizer.vocab

    def sentinel(self, number: int) -> int:
        """The id of <extra_id_number>."""
        return self.tokenizer.special(f"<extra_id_{number}>")

    def is_sentinel(self, token: int) -> bool:
        return token in self._sentinels

    @cached_property
    def _sentinels(self) -> frozenset[int]:
        return frozenset(self.sentinel(number) for number in range(self.sentinels))

    def prepare(self) -> None:
        self.text.prepare()

    def splits(self) -> list[str]:
        return self.text.splits()

    def rows(self, split: str) -> CorruptedRows:
        return CorruptedRows(self.text.rows(split), self.corruption, self._marks())

    def about(self) -> dict[str, Any]:
        about = self.text.about()
        return about | {"about": f"corrupted {about['about']}", "window": self.window, "length": self.length}

    def references(self) -> list[Reference]:
        return self.simple("valid")

    def simple(self, split: str) -> list[Reference]:
        """What the training text's commonest token, and how often each occurs, come to on the tokens dropped."""
        train, rows = self.text.rows("train"), self.rows(split)
        text = torch.from_numpy(are_text(self.tokenizer))
        seen = torch.cat([train.batch(keys)["targets"].flatten() for keys in train.batches(1024)])
        told = torch.cat([rows.batch(keys)["targets"].flatten() for keys in rows.batches(1024)])
        counts, told = seen.bincount(minlength=len(text)), told[text[told]]
        right = float((told == counts.argmax()).double().mean())
        # each once more, so that none is impossible
        weights = counts.double() + 1
        nats = -float((weights / weights[text].sum()).log()[told].mean())
        return [
            Reference("commonest token", f"{split}/text_accuracy", right, "that of the training text, always"),
            Reference(
                "unigram model", f"{split}/text_perplexity", math.exp(nats), "frequencies of the training text's tokens"
            ),
        ]

    def fingerprint(self) -> str:
        return self.text.fingerprint()

    def save(self, folder: Path) -> None:
        self.text.save(folder)

    def items(self, source: str | Path) -> Items:
        """A text with <mask> where spans are missing, or a file of one a line. Raises BadData for one too long."""
        numbered = numbered_lines(source)
        rows = [self._encoded(str(source), number, line) for number, line in numbered]
        return Items(GappedRows(rows, self._marks()), [line for _, line in numbered])

    def _encoded(self, source: str, row: int, line: str) -> Ids:
        pieces = between_masks(self.tokenizer, line)
        if (gaps := len(pieces) - 1) > self.sentinels:
            raise BadData(source, f"{gaps} gaps, but there are {self.sentinels} sentinels", row=row)
        ids = joined(pieces, [self.sentinel(number) for number in range(gaps)])
        if len(ids) >= self.length:
            raise BadData(source, f"{len(ids)} tokens, at most {self.length - 1} fit", row=row)
        return ids

    def _marks(self) -> Marks:
        bos, eos, filler = (self.tokenizer.special(name) for name in ("<bos>", "<eos>", "<pad>"))
        return Marks(bos, eos, filler, np.array([self.sentinel(number) for number in range(self.sentinels)]))


@dataclass(frozen=True)
class Marks:
    """The special tokens of a row. sentinels: int [s], in the order in which they are used."""

    bos: int
    eos: int
    filler: int
    sentinels: Ids

    def source(self, rows: Sequence[Ids]) -> Batch:
        """What the encoder reads: source int [b k], source_valid bool [b k]."""
        source, valid = pad([[*row.tolist(), self.eos] for row in rows], self.filler)
        return {"source": source, "source_valid": valid}

    def target(self, rows: Sequence[Ids]) -> Batch:
        """What the decoder reads and writes: tokens, targets int [b n], valid bool [b n]."""
        written = [[*row.tolist(), self.eos] for row in rows]
        targets, valid = pad(written, self.filler)
        tokens, _ = pad([[self.bos, *row[:-1]] for row in written], self.filler)
        return {"tokens": tokens, "targets": targets, "valid": valid}


class CorruptedRows(Rows):
    """Windows of a text, corrupted. A key is [start seed]: where a window begins, and what decides its spans."""

    def __init__(self, windows: Rows, corruption: Corruption, marks: Marks) -> None:
        self.windows, self.corruption, self.marks = windows, corruption, marks

    def __len__(self) -> int:
        return len(self.windows)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return seeded(self.windows.keys(shuffle), shuffle)

    def batches(self, size: int) -> list[Tensor]:
        return [seeded(keys, None) for keys in self.windows.batches(size)]

    def batch(self, keys: Tensor) -> Batch:
        """source, source_valid: [b k]; tokens, targets, valid: [b n]."""
        texts = self.windows.batch(keys[:, 0])["tokens"].numpy()
        rngs = [np.random.default_rng(seed) for seed in keys[:, 1].tolist()]
        drops = [self.corruption.noise(len(text), rng) for text, rng in zip(texts, rngs, strict=True)]
        read = [with_sentinels(text, drop, self.marks.sentinels) for text, drop in zip(texts, drops, strict=True)]
        written = [with_sentinels(text, ~drop, self.marks.sentinels) for text, drop in zip(texts, drops, strict=True)]
        return self.marks.source(read) | self.marks.target(written)


class GappedRows(Rows):
    """New texts with sentinels in place of what is missing. A key is the number of a row."""

    def __init__(self, rows: Sequence[Ids], marks: Marks) -> None:
        self.rows, self.marks = rows, marks

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """source, source_valid: [b k]."""
        return self.marks.source([self.rows[i] for i in keys.tolist()])
