"""A text read in parallel lanes, each row of a batch going on where the same row of the batch before ended."""

from __future__ import annotations

import torch
from torch import Tensor

from experiments.data.loader import Batch, Rows


class Lanes(Rows):
    """Windows in lanes. A key is [start length continues]: first token, tokens, whether an earlier batch ends there."""

    def __init__(self, stream: Tensor, length: int) -> None:
        self.stream = stream
        self.length = length
        self.room = len(stream) - 1

    def batch(self, keys: Tensor) -> Batch:
        """tokens, targets: [b n], targets being the tokens one place on; continues: bool [b]."""
        starts, length, continues = keys[:, 0], int(keys[0, 1]), keys[:, 2].bool()
        window = self.stream[starts[:, None] + torch.arange(length + 1)].long()
        return {"tokens": window[:, :-1], "targets": window[:, 1:], "continues": continues}


class TrainLanes(Lanes):
    """Training windows of equal length; a pass leaves out less than one batch, before its first or after its last."""

    def __init__(self, stream: Tensor, length: int, lanes: int) -> None:
        super().__init__(stream, length)
        self.lanes = min(lanes, self.room // length)
        self.steps = self.room // (self.lanes * length)

    def __len__(self) -> int:
        return self.steps * self.lanes

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        """In batches of one row a lane. shuffle: where in the text the first lane starts."""
        slack = self.room - len(self) * self.length
        offset = 0 if shuffle is None else int(torch.randint(slack + 1, (), generator=shuffle))
        starts = offset + torch.arange(self.lanes) * self.steps * self.length
        return torch.cat([_step(starts, step * self.length, self.length) for step in range(self.steps)])


class EvalLanes(Lanes):
    """Evaluation windows: every token but the first is a target once, by lanes that differ by one token at most.

    Where they do, the last batch has only the first rows, one token each.
    """

    def __len__(self) -> int:
        return -(-self.room // self.length)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.cat(self.batches(1))

    def batches(self, size: int) -> list[Tensor]:
        lanes = min(size, len(self))
        each, longer = divmod(self.room, lanes)
        starts = torch.arange(lanes) * each + torch.arange(lanes).clamp(max=longer)
        steps = [_step(starts, done, min(self.length, each - done)) for done in range(0, each, self.length)]
        return [*steps, _step(starts[:longer], each, 1)] if longer else steps


def _step(starts: Tensor, done: int, length: int) -> Tensor:
    """Keys of the batch that follows after so many tokens of every lane."""
    return torch.stack([starts + done, torch.full_like(starts, length), torch.full_like(starts, done > 0)], dim=1)
