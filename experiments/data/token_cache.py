"""Texts that are encoded once, and then mapped into memory, where trials side by side share them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import platformdirs

from experiments.atomic import write_bytes
from experiments.data.digest import digest
from experiments.data.tokenizers import Tokenizer

WORTH_KEEPING = 2**20
"""Bytes of text below which encoding again costs less than another file would."""


def encoded(tokenizer: Tokenizer, text: bytes) -> np.ndarray:
    """The ids [n] of a text, from a file if they were made before. Writing to them changes no file."""
    identity = tokenizer.identity()
    if identity is None or len(text) < WORTH_KEEPING:
        return tokenizer.encode(text)
    name = digest(identity.encode(), text)
    path = Path(platformdirs.user_cache_dir("swapformer")) / "tokens" / f"{name}.npy"
    found = _mapped(path)
    if found is not None:
        return found
    ids = tokenizer.encode(text)
    content = io.BytesIO()
    np.save(content, ids, allow_pickle=False)
    # a cache that cannot be written costs time and memory only
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content.getvalue())
    except OSError:
        return ids
    mapped = _mapped(path)
    return ids if mapped is None else mapped


def _mapped(path: Path) -> np.ndarray | None:
    """The array of a file, its pages shared by all who read it; None where there is none that can be read."""
    try:
        mapped: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return mapped
