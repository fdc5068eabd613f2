"""Running text for language models."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from experiments.data.base import Data
from experiments.data.counting import counting_models
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.files import CORPORA, read_bytes, read_text
from experiments.data.lanes import EvalLanes, TrainLanes
from experiments.data.loader import Batch, Rows, chunks
from experiments.data.token_cache import encoded
from experiments.data.tokenizers import Bytes, Tokenizer
from experiments.results.plan import Reference
from registry import Build, Need, build, part
from registry.types import PositiveInt

FOLDERS = {"speeches": "lm"}


@part("data", "text")
class Text(Data):
    """Plain text cut into windows, each token to be predicted from those before it in its window.

    Training windows tile the text without overlap, from a new random offset in every pass. Validation windows tile it
    from its start and together hold every token but the first exactly once as a target (the last may be shorter and is
    a batch of its own, so nothing is ever padded).

    corpus: text that ships with the package, used unless `train` is given.
    train, valid, test: files of your own, from the current folder; without `valid` the last tenth of `train` is held
        out for it.
    length: tokens in a window.
    order: shuffled windows, or contiguous ones: the text is cut into as many stretches as a batch has rows, and each
        row goes on where the same row of the batch before ended, in training and validation; for models with a memory.
    """

    provides = frozenset({"running text"})
    needs = (Need("model.embedding", "tokens", "a text comes as tokens"),)
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Literal["speeches"] = "speeches",
        train: str | None = None,
        valid: str | None = None,
        test: str | None = None,
        tokenizer: Build[Tokenizer] = Bytes,
        length: PositiveInt = 128,
        batch_size: PositiveInt = 16,
        order: Literal["shuffled", "contiguous"] = "shuffled",
    ) -> None:
        self.seed = seed
        self.length = length
        self.order = order
        self.batch_size = batch_size
        self.tokenizer = build(tokenizer, specials=0)
        self.paths: dict[str, Path | None] = {
            split: Path(path) if path else None for split, path in (("train", train), ("valid", valid), ("test", test))
        }
        self.name = f"'{corpus}'" if train is None else str(train)
        if train is None:
            home = CORPORA / FOLDERS[corpus]
            self.paths = {split: path or home / f"{split}.txt" for split, path in self.paths.items()}
        self._sizes: dict[str, int] = {}
        self._fingerprint = ""
        self._streams: dict[str, Tensor] = {}

    def prepare(self) -> None:
        if self._streams:
            return
        raw = self._texts()
        self.tokenizer.fit([raw["train"]])
        streams = {split: torch.from_numpy(encoded(self.tokenizer, content)) for split, content in raw.items()}
        for split, stream in streams.items():
            need = self.length + 1 if split == "train" else 2
            if len(stream) < need:
                raise BadData(
                    self.paths[split] or f"{self.paths['train']} (last tenth)",
                    f"too short: {len(stream)} tokens, at least {need} are needed for length {self.length}",
                )
        # the text itself is let go of: trials side by side would each hold it
        self._sizes = {split: len(content) for split, content in raw.items()}
        self._fingerprint = digest(raw["train"], raw["valid"])
        self._streams = streams

    def raw(self, split: str) -> bytes:
        """The text of a split as bytes."""
        return self._texts()[split]

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
            case True, _:
                return Windows(stream, self.length)
            case _, "contiguous":
                return EvalLanes(stream, self.length)
            case _:
                return Tiles(stream, self.length)

    def about(self) -> dict[str, Any]:
        self.prepare()
        sizes = {f"{split}_bytes": size for split, size in self._sizes.items()}
        tokens = {f"{split}_tokens": len(stream) for split, stream in self._streams.items()}
        return {"about": f"text {self.name}", **sizes, **tokens, "vocab": self.vocab, "length": self.length}

    def references(self) -> list[Reference]:
        raw = self._texts()
        return counting_models(raw["train"], raw["valid"])

    def fingerprint(self) -> str:
        self.prepare()
        return self._fingerprint

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)

    def _texts(self) -> dict[str, bytes]:
        """The text of each split, read anew."""
        raw = {split: self._read(path) for split, path in self.paths.items() if path is not None}
        if "valid" not in raw:
            cut = len(raw["train"]) * 9 // 10
            raw["train"], raw["valid"] = raw["train"][:cut], raw["train"][cut:]
        return raw

    def _read(self, path: Path) -> bytes:
        return read_text(path).encode() if self.tokenizer.needs_text else read_bytes(path)


class Windows(Rows):
    """Training windows of equal length. A key is the place of a window's first token."""

    def __init__(self, stream: Tensor, length: int) -> None:
        self.stream = stream
        self.length = length
        room = len(stream) - 1
        # one window less than fits leaves room to move all of them by up to a whole window
        self.count = max(1, room // length - 1)
        self.slack = min(room - self.count * length, length - 1)

    def __len__(self) -> int:
        return self.count

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        starts = torch.arange(self.count) * self.length
        if shuffle is None:
            return starts
        offset = torch.randint(self.slack + 1, (), generator=shuffle)
        return starts[torch.randperm(self.count, generator=shuffle)] + offset

    def batch(self, keys: Tensor) -> Batch:
        """tokens, targets: [b n], targets being the tokens one place on."""
        window = self.stream[keys[:, None] + torch.arange(self.length + 1)].long()
        return {"tokens": window[:, :-1], "targets": window[:, 1:]}


class Tiles(Rows):
    """Evaluation windows: every token but the first is a target once. A key is the place of a window's first token."""

    def __init__(self, stream: Tensor, length: int) -> None:
        self.stream = stream
        self.length = length

    def __len__(self) -> int:
        return -(-(len(self.stream) - 1) // self.length)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) * self.length

    def batches(self, size: int) -> list[Tensor]:
        """As for any rows, but a shorter window at the end is a batch of its own."""
        keys = self.keys(None)
        whole = (len(self.stream) - 1) // self.length
        return [*chunks(keys[:whole], size), *chunks(keys[whole:], size)]

    def batch(self, keys: Tensor) -> Batch:
        """tokens, targets: [b n]."""
        n = min(self.length, len(self.stream) - 1 - int(keys[-1]))
        window = self.stream[keys[:, None] + torch.arange(n + 1)].long()
        return {"tokens": window[:, :-1], "targets": window[:, 1:]}
