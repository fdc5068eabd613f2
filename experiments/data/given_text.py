"""New texts, as a model that was trained on running text reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from experiments.data.base import Items
from experiments.data.errors import BadData
from experiments.data.files import read_text
from experiments.data.loader import Batch, Rows, pad
from experiments.data.tokenizers import Tokenizer


class GivenText(Rows):
    """Encoded texts of any length, padded on the right. A key is the number of a text."""

    def __init__(self, texts: Sequence[list[int]]) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """tokens, valid: [b n]."""
        tokens, valid = pad([self.texts[i] for i in keys.tolist()], 0)
        return {"tokens": tokens, "valid": valid}


def given_texts(source: str | Path, tokenizer: Tokenizer, before: Sequence[int] = ()) -> Items:
    """A text itself, a file that is one, or a folder of such files (.txt). Raises BadData.

    before: the ids that a model reads in front of each.
    """
    if isinstance(source, str):
        names, texts = [source], [source]
    else:
        paths = sorted(source.glob("*.txt")) if source.is_dir() else [source]
        if not paths:
            raise BadData(source, "there is no text in the folder (looked for .txt)")
        names, texts = [str(path) for path in paths], [read_text(path) for path in paths]
    ids = [[*before, *(int(i) for i in tokenizer.encode(text.encode()))] for text in texts]
    for name, found in zip(names, ids, strict=True):
        if len(found) < 2:
            raise BadData(name, "too short: a model tells what follows, so at least two tokens are needed")
    return Items(GivenText(ids), names)
