"""What every tokenizer promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np

SPECIALS = ("<pad>", "<bos>", "<eos>")

Specials: TypeAlias = int | tuple[str, ...]
"""The special tokens that some data need: all their names, or how many of SPECIALS and, after them, of T5's sentinels
(<extra_id_0>, <extra_id_1> ...)."""


def special_names(specials: Specials) -> tuple[str, ...]:
    if isinstance(specials, tuple):
        return specials
    return tuple([*SPECIALS, *(f"<extra_id_{i}>" for i in range(specials - len(SPECIALS)))][:specials])


class Tokenizer(ABC):
    """Encodes text as ids below `vocab`.

    specials: how many special tokens sit at the end of the vocabulary. names: of all special tokens that the data
    asked for, in their order.
    """

    family: ClassVar[str] = "tokenizer"
    needs_text: ClassVar[bool] = True
    """Whether the text must be UTF-8; otherwise any bytes will do."""
    learns: ClassVar[bool] = True
    """Whether it needs a training text to learn from."""
    vocab: int
    specials: int
    names: tuple[str, ...] = ()

    @abstractmethod
    def fit(self, texts: Sequence[bytes]) -> None:
        """Learn from the training text; nothing to do for some kinds."""

    def identity(self) -> str | None:
        """What tells it from others, once it has learned: the same identity encodes every text alike. None: unknown."""
        return None

    @abstractmethod
    def encode(self, text: bytes) -> np.ndarray:
        """Ids [n] of a text."""

    @abstractmethod
    def decode(self, ids: Iterable[int]) -> str:
        """Special tokens are left out; bytes that are not UTF-8 become U+FFFD."""

    @abstractmethod
    def sizes(self) -> list[int]:
        """How many bytes of text each id stands for, [vocab]; 0 for special tokens.

        All 0 where a text cannot be had back from its ids: what a token stands for is not known then, and bits per
        byte is left out of the metrics.
        """

    def pieces(self, ids: Iterable[int]) -> list[bytes | None]:
        """The bytes of text that each id stands for; None for special tokens."""
        special = self.special_ids()
        return [None if i in special else self.decode([i]).encode() for i in ids]

    def save(self, folder: Path) -> None:  # noqa: B027 (some kinds have nothing to write)
        """Write what was learned as `tokenizer.json`."""

    def load(self, folder: Path) -> bool:
        """Take what `save` wrote there; False if something is missing."""
        return False

    def special(self, name: str) -> int:
        """The id of a special token, by its name."""
        names = self.names or special_names(self.specials)
        if name not in names:
            raise ValueError(f"no special token {name}: there are {', '.join(names) or 'none'}")
        return self.vocab - len(names) + names.index(name)

    def special_ids(self) -> Mapping[int, str]:
        """The names of the tokens that stand for no text, by their ids."""
        return {self.special(name): name for name in self.names or special_names(self.specials)}
