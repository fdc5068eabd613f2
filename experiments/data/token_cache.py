"""Texts that are encoded once, and then mapped into memory, where trials side by side share them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from experiments.data.digest import digest
from experiments.data.kept import cache_folder, keep
from experiments.data.running import joined
from experiments.data.tokenizers import Tokenizer

WORTH_KEEPING = 2**20
"""Bytes of text below which encoding again costs less than another file would."""


def encoded(tokenizer: Tokenizer, text: bytes) -> np.ndarray:
    """The ids [n] of a text, from a file if they were made before. Writing to them changes no file."""
    return _kept(tokenizer, [text], lambda: tokenizer.encode(text))


def packed(tokenizer: Tokenizer, documents: Sequence[bytes], mark: int) -> np.ndarray:
    """The ids [n] of documents, each encoded by itself, with a mark in front of each and behind the last."""
    parts = [*documents, f"packed with {mark}".encode()]
    return _kept(tokenizer, parts, lambda: joined([tokenizer.encode(text) for text in documents], mark))


def _kept(tokenizer: Tokenizer, parts: Sequence[bytes], make: Callable[[], np.ndarray]) -> np.ndarray:
    identity = tokenizer.identity()
    if identity is None or sum(map(len, parts)) < WORTH_KEEPING:
        return make()
    path = cache_folder("tokens") / f"{digest(identity.encode(), *parts)}.npy"
    mapped = _mapped(path) if keep(path, lambda: _saved(make())) else None
    return make() if mapped is None else mapped


def _saved(ids: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, ids, allow_pickle=False)
    return content.getvalue()


def _mapped(path: Path) -> np.ndarray | None:
    """The array of a file, its pages shared by all who read it; None where there is none that can be read."""
    try:
        mapped: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return mapped
