"""Windows of a text, at random for training and in order for evaluation."""

from __future__ import annotations

import torch
from torch import Tensor

from experiments.data.loader import Batch, Rows, chunks


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
