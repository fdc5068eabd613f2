"""Batches in an order that depends on the seed alone, with a position that can be saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from experiments.data.digest import chained
from experiments.streams import generator

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Share:
    """The rows that one of `world` processes takes of every batch: neighbours, and always those in the same places."""

    rank: int = 0
    world: int = 1

    def of(self, batch: Batch, full: int) -> Batch:
        """Its part of a batch; of one with fewer rows than the `full` number, perhaps no row at all."""
        if self.world == 1:
            return batch
        first, end = (rank * full // self.world for rank in (self.rank, self.rank + 1))
        return {name: tensor[first:end] for name, tensor in batch.items()}


WHOLE = Share()


def rows_of(batch: Batch) -> int:
    return len(next(iter(batch.values())))


def seeded(keys: Tensor, shuffle: torch.Generator | None) -> Tensor:
    """Keys with a seed behind each, for rows that are partly drawn (masked, cropped, made by rule): [n] -> [n 2].

    In training the seeds are drawn anew for each pass; without a generator a row always has its own number as its seed.
    """
    seeds = keys.long() if shuffle is None else torch.randint(2**62, (len(keys),), generator=shuffle)
    return torch.stack([keys.long(), seeds], dim=1)


class Rows(ABC):
    """What a loader draws from: a number of rows, each with a key, and a way to make a batch of some keys.

    A batch is a function of its keys alone. What is random about a row follows from a seed in its key, see `seeded`.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        """The keys of one pass over the rows, [rows ...]; in file order without a generator."""

    @abstractmethod
    def batch(self, keys: Tensor) -> Batch:
        """The rows with these keys; the first axis of every tensor is the rows."""

    def batches(self, size: int) -> list[Tensor]:
        """The keys of every row in file order, `size` rows together."""
        return chunks(self.keys(None), size)


Batching: TypeAlias = Literal["shuffled", "bucketed"]
"""How rows come together in training: at random, or those of like length, so that less is padded."""

POOL = 16
"""Batches whose rows are sorted by length together: more of them pad less, fewer leave more to chance."""


class Bucketed(Rows):
    """Rows in an order in which those of like length fill a batch together; the batches follow at random.

    Each pass is shuffled, cut into pools of 16 batches, and each pool sorted by length, so that the batches are others
    every time. A pass holds every row at most once: all of them but those that do not fill a batch, drawn anew.

    lengths: int [rows], how long each row is, by its number. size: rows in a batch.
    """

    def __init__(self, rows: Rows, lengths: Tensor, size: int) -> None:
        self.rows = rows
        self.lengths = lengths
        self.size = min(size, len(rows))

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        keys = self.rows.keys(shuffle)
        if shuffle is None:
            return keys
        keys = keys[: len(keys) - len(keys) % self.size]
        numbers = keys if keys.dim() == 1 else keys[:, 0]
        by_length = self.lengths[numbers].argsort(stable=True)
        order = by_length[(by_length // (POOL * self.size)).argsort(stable=True)]
        batches = torch.randperm(len(keys) // self.size, generator=shuffle)
        places = (batches[:, None] * self.size + torch.arange(self.size)).flatten()
        return keys[order[places]]

    def batch(self, keys: Tensor) -> Batch:
        return self.rows.batch(keys)


class TrainLoader:
    """Endless batches of equal size; `len(loader)` of them are one pass over the rows, each pass in a new order.

    Batch i is a function of (seed, i): no model, no other random number and no interruption can change it. A pass
    leaves out the rows that do not fill a batch (other ones each time).

    share: what this process takes of each batch. whole: the last batch, of which it took its share. digest: of all
    batches so far, whole and in their order; equal digests mean equal training data.
    """

    def __init__(self, rows: Rows, batch_size: int, seed: int) -> None:
        self.rows = rows
        self.batch_size = min(batch_size, len(rows))
        self.seed = seed
        self.share = WHOLE
        self.drawn = 0
        self.digest = ""
        self.whole: Batch = {}

    def __len__(self) -> int:
        return len(self.rows) // self.batch_size

    def __iter__(self) -> Iterator[Batch]:
        while True:
            epoch, first = divmod(self.drawn, len(self))
            keys = self.rows.keys(generator(self.seed, "order", epoch))
            for i in range(first, len(self)):
                self.whole = self.rows.batch(keys[i * self.batch_size : (i + 1) * self.batch_size])
                self.drawn += 1
                self.digest = chained(self.digest, self.whole)
                yield self.share.of(self.whole, self.batch_size)

    def state_dict(self) -> dict[str, Any]:
        return {"drawn": self.drawn, "digest": self.digest}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.drawn, self.digest = int(state["drawn"]), str(state.get("digest", ""))


class EvalLoader:
    """Every row once, in file order; the last batch may be smaller.

    share: what this process takes of each batch.
    """

    def __init__(self, rows: Rows, batch_size: int) -> None:
        self.rows = rows
        self.batches = rows.batches(batch_size)
        self.share = WHOLE

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        full = max(map(len, self.batches), default=0)
        for keys in self.batches:
            yield self.share.of(self.rows.batch(keys), full)


def chunks(keys: Tensor, size: int) -> list[Tensor]:
    """Keys in groups of `size`; the last may be smaller."""
    return [keys[i : i + size] for i in range(0, len(keys), size)]


def pad(sequences: list[list[int]], filler: int) -> tuple[Tensor, Tensor]:
    """Sequences side by side, padded on the right.

    Returns tokens [b n] (int64) and valid [b n] (bool, True = token), n being the longest of them.
    """
    longest = max(map(len, sequences))
    tokens = torch.tensor([s + [filler] * (longest - len(s)) for s in sequences], dtype=torch.long)
    lengths = torch.tensor([len(s) for s in sequences])
    return tokens, torch.arange(longest) < lengths[:, None]
