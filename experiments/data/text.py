"""Running text for language models."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from experiments.data.base import Data, Items
from experiments.data.counting import counting_models
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.files import CORPORA, shipped
from experiments.data.given_text import given_texts
from experiments.data.lanes import EvalLanes, TrainLanes
from experiments.data.loader import Rows
from experiments.data.packed import Packed
from experiments.data.running import Running, check_tokens, read_running
from experiments.data.text_windows import Tiles, Windows
from experiments.data.token_cache import encoded, packed
from experiments.data.tokenizers import Bytes, Tokenizer
from experiments.results.plan import Reference
from registry import Build, Need, build, part
from registry.errors import Problem, SpecError
from registry.types import PositiveInt

FOLDERS = {"speeches": "lm", "addresses": "addresses"}
END = "<eos>"
"""What stands in front of packed documents and behind the last."""


@part("data", "text")
class Text(Data):
    """Plain text cut into windows, each token to be predicted from those before it in its window.

    Training windows tile the text without overlap, from a new random offset in every pass. Validation windows tile it
    from its start and together hold every token but the first exactly once as a target (the last may be shorter and is
    a batch of its own, so nothing is ever padded).

    corpus: text that ships with the package, used unless `train` is given.
    train, valid, test: text of your own, from the current folder: a file, a folder of .txt files, a table (.tsv, .csv,
        .jsonl, .parquet, also .gz or .xz; hf:NAME:SPLIT) with a document a row, or tokens of the vocabulary (.npy, one
        axis of whole numbers), which stay on disk. Without `valid` the last tenth of `train` is held out for it.
    column: of a table, the one with the text.
    length: tokens in a window.
    order: shuffled windows, or contiguous ones: the text is cut into as many stretches as a batch has rows, and each
        row goes on where the same row of the batch before ended, in training and validation; for models with a memory.
    documents: joined to one text; or packed, each beginning with <eos>: windows then hold several side by side that do
        not see each other, and positions begin anew with each. A row of a table or a file of a folder is a document.
    separator: the line that ends a document within a file; nothing: an empty line.
    """

    provides = frozenset({"running text"})
    needs = (
        Need("model.embedding", "tokens", "a text comes as tokens"),
        Need("model.attention", "segments", "packed documents must not see each other", when={"documents": "pack"}),
    )
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Literal["speeches", "addresses"] = "speeches",
        train: str | None = None,
        valid: str | None = None,
        test: str | None = None,
        column: str = "text",
        tokenizer: Build[Tokenizer] = Bytes,
        length: PositiveInt = 128,
        batch_size: PositiveInt = 16,
        order: Literal["shuffled", "contiguous"] = "shuffled",
        documents: Literal["join", "pack"] = "join",
        separator: str = "",
    ) -> None:
        if documents == "pack" and order == "contiguous":
            problem = "packed documents do not continue each other: take shuffled, or join the documents"
            raise SpecError([Problem("data.order", problem)])
        self.seed = seed
        self.length = length
        self.order = order
        self.batch_size = batch_size
        self.column = column
        self.pack = documents == "pack"
        self.separator = separator
        self.tokenizer = build(tokenizer, specials=(END,) if self.pack else 0)
        self.paths: dict[str, Path | None] = {
            split: Path(path) if path else None for split, path in (("train", train), ("valid", valid), ("test", test))
        }
        self.name = f"'{corpus}'" if train is None else str(train)
        if train is None:
            home = CORPORA / FOLDERS[corpus]
            self.paths = {split: path or shipped(home, f"{split}.txt") for split, path in self.paths.items()}
        self._sizes: dict[str, int] = {}
        self._fingerprint = ""
        self._streams: dict[str, Tensor] = {}

    def prepare(self) -> None:
        if self._streams:
            return
        found = self._texts()
        if self.tokenizer.learns and found["train"].ids is not None:
            remedy = "take the one that they were made with, {kind: file}, or bytes"
            raise BadData(self._place("train"), f"holds tokens, so no tokenizer can learn from it: {remedy}")
        self.tokenizer.fit(found["train"].documents if self.pack else [found["train"].text])
        streams = {split: torch.from_numpy(self._encoded(split, running)) for split, running in found.items()}
        for split, stream in streams.items():
            need = self.length + 1 if split == "train" else 2
            if len(stream) < need:
                about = f"too short: {len(stream)} tokens, at least {need} are needed for length {self.length}"
                raise BadData(self._place(split), about)
        # the text itself is let go of: trials side by side would each hold it
        texts = {split: running for split, running in found.items() if running.ids is None}
        if self.pack:
            self._sizes = {f"{split}_bytes": sum(map(len, running.documents)) for split, running in texts.items()}
            self._sizes |= {f"{split}_documents": len(running.documents) for split, running in texts.items()}
        else:
            self._sizes = {f"{split}_bytes": len(running.text) for split, running in texts.items()}
        self._fingerprint = self._digest(found["train"], found["valid"])
        self._streams = streams

    def raw(self, split: str) -> bytes:
        """The text of a split as bytes."""
        return self._texts()[split].text

    def splits(self) -> list[str]:
        return [split for split, path in self.paths.items() if path is not None or split == "valid"]

    def rows(self, split: str) -> Rows:
        self.prepare()
        if split not in self._streams:
            raise BadData(split, f"there is no {split} text: give data.{split} a file")
        stream = self._streams[split]
        match split == "train", self.order:
            case True, "contiguous":
                return TrainLanes(stream, self.length, self.batch_size)
            case _, "contiguous":
                return EvalLanes(stream, self.length)
            case training, _:
                rows = Windows(stream, self.length) if training else Tiles(stream, self.length)
                return Packed(rows, self.tokenizer.special(END)) if self.pack else rows

    def about(self) -> dict[str, Any]:
        self.prepare()
        tokens = {f"{split}_tokens": len(stream) for split, stream in self._streams.items()}
        return {"about": f"text {self.name}", **self._sizes, **tokens, "vocab": self.vocab, "length": self.length}

    def references(self) -> list[Reference]:
        found = self._texts()
        # they are told in bits per byte, of every byte but the first
        if self.pack or any(running.ids is not None for running in found.values()) or not self.sizes().any():
            return []
        return counting_models(found["train"].text, found["valid"].text)

    def fingerprint(self) -> str:
        self.prepare()
        return self._fingerprint

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)

    def items(self, source: str | Path) -> Items:
        """A text itself, a file that is one, or a folder of such files (.txt)."""
        return given_texts(source, self.tokenizer, [self.tokenizer.special(END)] if self.pack else [])

    def _texts(self) -> dict[str, Running]:
        """The text of each split, read anew."""
        needs_text = self.tokenizer.needs_text
        paths = {split: path for split, path in self.paths.items() if path is not None}
        found = {split: read_running(path, self.column, needs_text) for split, path in paths.items()}
        if self.pack:
            found = {split: running.parted(self.separator) for split, running in found.items()}
            for split, running in found.items():
                if running.ids is None and not running.documents:
                    raise BadData(self._place(split), "there is no document, only lines that end one")
        if "valid" not in found:
            found["train"], found["valid"] = found["train"].held_out(needs_text)
        return found

    def _encoded(self, split: str, running: Running) -> np.ndarray:
        if running.ids is not None:
            check_tokens(self._place(split), running.ids, self.tokenizer.vocab)
            return running.ids
        if self.pack:
            return packed(self.tokenizer, running.documents, self.tokenizer.special(END))
        return encoded(self.tokenizer, running.text)

    def _digest(self, train: Running, valid: Running) -> str:
        if self.pack or train.ids is not None or valid.ids is not None:
            return digest(train.digest().encode(), valid.digest().encode(), str(self.pack).encode())
        return digest(train.text, valid.text)

    def _place(self, split: str) -> str:
        """Where the text of a split is from, for messages."""
        return str(self.paths[split] or f"{self.paths['train']} (last tenth)")
