"""Texts in which <mask> stands for what a model is to fill in."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.data.content import read_text
from experiments.data.documents import Ids
from experiments.data.tokenizers import Tokenizer

MASK = "<mask>"


def numbered_lines(source: str | Path) -> list[tuple[int, str]]:
    """The lines that are not blank of a file, or the text itself, each with its number from 1 on."""
    lines = read_text(source).splitlines() if isinstance(source, Path) else [source]
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def between_masks(tokenizer: Tokenizer, text: str) -> list[Ids]:
    """Ids of the pieces of a text that stand before, between and after its masks, written <mask> or [MASK].

    Where tokens are longer than a byte they begin with the space before a word, so a space before a mask is left out.
    """
    *before, last = text.replace("[MASK]", MASK).split(MASK)
    if max(tokenizer.sizes()) > 1:
        before = [piece.rstrip() for piece in before]
    return [np.asarray(tokenizer.encode(piece.encode()), dtype=np.int64) for piece in (*before, last)]


def joined(pieces: list[Ids], fillers: list[int]) -> Ids:
    """The pieces with a token between each two. fillers: one less than there are pieces."""
    between = [np.array([token], dtype=np.int64) for token in fillers]
    return np.concatenate([pieces[0], *(part for pair in zip(between, pieces[1:], strict=True) for part in pair)])
