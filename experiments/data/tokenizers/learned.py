"""What the kinds that learn from the training text share: learned once by the library `tokenizers`, kept, saved."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.atomic import write_text
from experiments.data.digest import digest
from experiments.data.kept import cache_folder, keep
from experiments.data.tokenizers.base import Tokenizer

UNKNOWN = "<unk>"
"""The token for what is not in a vocabulary, its first; data never ask for it."""


class Learned:
    """A tokenizer of the library, learned once by `train` and kept in a cache by the hash of the text and the recipe.

    words: how many tokens of the vocabulary are the library's, the first ones; special ones come after them.
    """

    def __init__(
        self, words: int, train: Callable[[Iterator[str], int], Any], recipe: Mapping[str, bool | int | str]
    ) -> None:
        self.words = words
        self._train = train
        self._recipe = recipe
        self._inner: Any = None

    @property
    def inner(self) -> Any:
        if self._inner is None:
            raise RuntimeError("this tokenizer was not trained: call fit or load first")
        return self._inner

    def fit(self, texts: Sequence[bytes]) -> None:
        if self._inner is not None:
            return
        # one thread: its own pool would fight with the trials, and warns after a fork
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import tokenizers

        recipe = json.dumps([tokenizers.__version__, self.words, dict(self._recipe)])
        kept = cache_folder("tokenizers") / f"{digest(recipe.encode(), *texts)}.json"

        def made() -> bytes:
            lines = (line for text in texts for line in text.decode().splitlines(keepends=True))
            text: str = self._train(lines, self.words).to_str()
            return text.encode()

        if not (keep(kept, made) and self._take(kept)):
            self._inner = read(made().decode())

    def identity(self) -> str:
        text: str = self.inner.to_str()
        return text

    def encode(self, text: bytes) -> np.ndarray:
        """Ids [n]."""
        return np.array(self.inner.encode(text.decode(), add_special_tokens=False).ids, dtype=np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        text: str = self.inner.decode([i for i in ids if i < self.words])
        return text

    def word(self, index: int) -> str:
        """How the library writes a token; "" for a place of the vocabulary that the training left empty."""
        return self.inner.id_to_token(index) or ""

    def save(self, folder: Path) -> None:
        write_text(folder / "tokenizer.json", self.identity())

    def load(self, folder: Path) -> bool:
        return self._take(folder / "tokenizer.json")

    def _take(self, path: Path) -> bool:
        if not path.is_file():
            return False
        try:
            self._inner = read(path.read_text(encoding="utf-8"))
        except ValueError:
            return False
        return True


class Learner(Tokenizer):
    """What the kinds that learn have in common; each says how it is trained, and what its tokens are of a text."""

    _learned: Learned

    def fit(self, texts: Sequence[bytes]) -> None:
        self._learned.fit(texts)

    def identity(self) -> str:
        return self._learned.identity()

    def encode(self, text: bytes) -> np.ndarray:
        return self._learned.encode(text)

    def decode(self, ids: Iterable[int]) -> str:
        return self._learned.decode(ids)

    def save(self, folder: Path) -> None:
        self._learned.save(folder)

    def load(self, folder: Path) -> bool:
        return self._learned.load(folder)


class LossyLearner(Learner):
    """One from whose tokens a text cannot be had back: its first token is <unk>, and none stands for bytes."""

    def sizes(self) -> list[int]:
        return [0] * self.vocab

    def pieces(self, ids: Iterable[int]) -> list[bytes | None]:
        special = self.special_ids()
        return [None if i in special else self._learned.word(i).encode() for i in ids]

    def special_ids(self) -> Mapping[int, str]:
        return {0: UNKNOWN, **super().special_ids()}


def read(text: str) -> Any:
    """A tokenizer of the library from its JSON, in which the names of special tokens are text like any other.

    Raises ValueError for what is none.
    """
    from tokenizers import Tokenizer as Inner

    try:
        inner = Inner.from_str(text)
    # the library raises bare exceptions
    except Exception as error:
        raise ValueError(str(error)) from None
    inner.encode_special_tokens = True
    inner.no_padding()
    inner.no_truncation()
    return inner
