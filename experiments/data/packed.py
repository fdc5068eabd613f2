"""Windows in which documents stand side by side without seeing each other."""

from __future__ import annotations

import torch
from torch import Tensor

from experiments.data.loader import Batch, Rows


class Packed(Rows):
    """The rows of another kind, of a text whose documents each begin with a mark, with the number of the document.

    Attention stays within a document, and positions begin anew there. The mark in front of a document is what its first
    token follows from, and the mark behind it tells that it ends: every token is a target once, but for the very first
    mark. A document that a window cuts goes on in the next window without what came before.
    """

    def __init__(self, rows: Rows, mark: int) -> None:
        self.rows = rows
        self.mark = mark

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return self.rows.keys(shuffle)

    def batches(self, size: int) -> list[Tensor]:
        return self.rows.batches(size)

    def batch(self, keys: Tensor) -> Batch:
        """tokens, targets, segment: int [b n]."""
        batch = self.rows.batch(keys)
        return {**batch, "segment": (batch["tokens"] == self.mark).cumsum(1)}
