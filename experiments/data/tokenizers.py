"""From text to tokens and back: bytes, or byte pairs merged by a trained tokenizer.

Both are lossless on any UTF-8 text. Special tokens, where a task needs them, are the last ids of the vocabulary.
"""

from __future__ import annotations

import functools
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import platformdirs
from annotated_types import Ge, Le

from experiments.atomic import write_text
from experiments.data.digest import digest
from registry import part

SPECIALS = ("<pad>", "<bos>", "<eos>")


class Tokenizer(ABC):
    """Encodes text as ids below `vocab`. specials: how many of SPECIALS sit at the end of the vocabulary."""

    family: ClassVar[str] = "tokenizer"
    needs_text: ClassVar[bool] = True
    """Whether the text must be UTF-8; otherwise any bytes will do."""
    vocab: int
    specials: int

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
        """How many bytes of text each id stands for, [vocab]; 0 for special tokens."""

    def pieces(self, ids: Iterable[int]) -> list[bytes | None]:
        """The bytes of text that each id stands for; None for special tokens."""
        return [None if i >= self.vocab - self.specials else self.decode([i]).encode() for i in ids]

    def save(self, folder: Path) -> None:  # noqa: B027 (some kinds have nothing to write)
        """Write what was learned as `tokenizer.json`."""

    def load(self, folder: Path) -> bool:
        """Take what `save` wrote there; False if there is nothing."""
        return False

    def special(self, name: str) -> int:
        """The id of a special token."""
        return self.vocab - self.specials + SPECIALS.index(name)


@part("tokenizer", "bytes")
class Bytes(Tokenizer):
    """Each byte of the UTF-8 text is a token."""

    needs_text = False

    def __init__(self, specials: int = 0) -> None:
        self.specials = specials
        self.vocab = 256 + specials

    def fit(self, texts: Sequence[bytes]) -> None:
        pass

    def identity(self) -> str:
        return "bytes"

    def encode(self, text: bytes) -> np.ndarray:
        return np.frombuffer(text, dtype=np.uint8).copy()

    def decode(self, ids: Iterable[int]) -> str:
        return bytes(i for i in ids if i < 256).decode(errors="replace")

    def sizes(self) -> list[int]:
        return [1] * 256 + [0] * self.specials

    def pieces(self, ids: Iterable[int]) -> list[bytes | None]:
        return [bytes([i]) if i < 256 else None for i in ids]


@part("tokenizer", "bpe", paper="Sennrich et al. 2016, arXiv 1508.07909; on bytes as in GPT-2")
class BytePairs(Tokenizer):
    """Byte-pair encoding on bytes, trained once on the training text and kept in a cache by the hash of that text."""

    def __init__(self, specials: int = 0, *, vocab: Annotated[int, Ge(260), Le(1_000_000)] = 1024) -> None:
        self.specials = specials
        self.vocab = vocab
        self._inner: Any = None

    def fit(self, texts: Sequence[bytes]) -> None:
        if self._inner is not None:
            return
        import tokenizers

        merges = self.vocab - self.specials
        name = digest(json.dumps([tokenizers.__version__, merges]).encode(), *texts)
        cached = Path(platformdirs.user_cache_dir("swapformer")) / "tokenizers" / f"{name}.json"
        if self._read(cached):
            return
        self._inner = _train(texts, merges)
        # a cache that cannot be written costs time only
        try:
            cached.parent.mkdir(parents=True, exist_ok=True)
            write_text(cached, self._inner.to_str())
        except OSError:
            pass

    def identity(self) -> str:
        text: str = self._trained().to_str()
        return text

    def encode(self, text: bytes) -> np.ndarray:
        return np.array(self._trained().encode(text.decode()).ids, dtype=np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        text: str = self._trained().decode([i for i in ids if i < self.vocab - self.specials])
        return text

    def sizes(self) -> list[int]:
        # a byte-level vocabulary writes each byte as one character
        lengths = {i: len(word) for word, i in self._trained().get_vocab().items()}
        return [lengths.get(i, 0) for i in range(self.vocab)]

    def pieces(self, ids: Iterable[int]) -> list[bytes | None]:
        inner, words = self._trained(), self.vocab - self.specials
        # places of the vocabulary that the training left empty stand for nothing
        return [byte_level(inner.id_to_token(i) or "") if i < words else None for i in ids]

    def save(self, folder: Path) -> None:
        write_text(folder / "tokenizer.json", self._trained().to_str())

    def load(self, folder: Path) -> bool:
        return self._read(folder / "tokenizer.json")

    def _read(self, path: Path) -> bool:
        from tokenizers import Tokenizer as Inner

        if not path.is_file():
            return False
        try:
            self._inner = Inner.from_str(path.read_text(encoding="utf-8"))
        # the library raises bare exceptions; a damaged cache is made again
        except Exception:
            return False
        return True

    def _trained(self) -> Any:
        if self._inner is None:
            raise RuntimeError("this tokenizer was not trained: call fit or load first")
        return self._inner


def byte_level(word: str) -> bytes:
    """The bytes behind a word of a byte-level vocabulary, which writes each byte as one character, as GPT-2's does.

    Raises ValueError for a character that stands for no byte.
    """
    table = _bytes_of_characters()
    if unknown := [char for char in word if char not in table]:
        raise ValueError(f"{word!r} is no byte-level word: {unknown[0]!r} stands for no byte")
    return bytes(table[char] for char in word)


@functools.cache
def _bytes_of_characters() -> dict[str, int]:
    """Printable Latin-1 stands for itself, the other bytes in order for the characters from 256 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + place): byte for place, byte in enumerate(rest)}


def _train(texts: Sequence[bytes], vocab: int) -> Any:
    # one thread: its own pool would fight with the trials, and warns after a fork
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer as Inner
    from tokenizers import decoders, models, pre_tokenizers, trainers

    inner = Inner(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocab, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator((line for text in texts for line in text.decode().splitlines(keepends=True)), trainer)
    return inner
