"""Bytes as tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from experiments.data.tokenizers.base import Specials, Tokenizer, special_names
from registry import part


@part("tokenizer", "bytes")
class Bytes(Tokenizer):
    """Each byte of the UTF-8 text is a token."""

    needs_text = False
    learns = False

    def __init__(self, specials: Specials = 0) -> None:
        self.names = special_names(specials)
        self.specials = len(self.names)
        self.vocab = 256 + self.specials

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

    def load(self, folder: Path) -> bool:
        """There is nothing to take."""
        return True

    def pieces(self, ids: Iterable[int]) -> list[bytes | None]:
        return [bytes([i]) if i < 256 else None for i in ids]
