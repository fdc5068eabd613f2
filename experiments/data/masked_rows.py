"""Rows of a masked language model: special tokens around the segments, some of the others hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from experiments.data.documents import Documents, Ids
from experiments.data.loader import Batch, Rows, pad, seeded
from experiments.data.masking import Masking
from experiments.data.sentence_pairs import full_sentences, pair


@dataclass(frozen=True)
class Layout:
    """What a row looks like. length: of a row at most. pairs: whether there are two segments, and types for them.

    bos, eos, filler: special tokens; BERT has [CLS] for <bos> and [SEP] for <eos>.
    """

    length: int
    pairs: bool
    bos: int
    eos: int
    filler: int

    @property
    def room(self) -> int:
        """How many tokens of text a row holds."""
        return self.length - (3 if self.pairs else 2)

    def joined(self, segments: Sequence[Ids]) -> tuple[Ids, Ids]:
        """Ids of a row, <bos> and each segment with an <eos> behind it; and the number of the segment of each."""
        bos, eos = np.array([self.bos]), np.array([self.eos])
        ids = np.concatenate([bos, *(part for segment in segments for part in (segment, eos))])
        sizes = [len(segment) + (1 if number else 2) for number, segment in enumerate(segments)]
        return ids, np.repeat(np.arange(len(segments)), sizes)

    def batch(self, read: Sequence[Ids], types: Sequence[Ids]) -> Batch:
        """tokens: int [b n]; valid: bool [b n]; with pairs types: int [b n]."""
        tokens, valid = pad([row.tolist() for row in read], self.filler)
        kinds, _ = pad([row.tolist() for row in types], 0)
        return {"tokens": tokens, "valid": valid, **({"types": kinds} if self.pairs else {})}


class MaskedRows(Rows):
    """Rows of a text. A key is [row seed]: a row begins in its stretch of the text, the rest follows from the seed."""

    def __init__(self, documents: Documents, layout: Layout, masking: Masking, short: float) -> None:
        self.documents, self.layout, self.masking, self.short = documents, layout, masking, short
        self.count = max(1, len(documents.ids) // layout.room)

    def __len__(self) -> int:
        return self.count

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        rows = torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)
        return seeded(rows, shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """tokens, targets: int [b n]; valid, scored: bool [b n]; with pairs types: int [b n], follows: bool [b]."""
        made = [self._row(row, np.random.default_rng(seed)) for row, seed in keys.tolist()]
        ids, types, chosen, read, follows = zip(*made, strict=True)
        targets, _ = pad([row.tolist() for row in ids], self.layout.filler)
        scored, _ = pad([row.tolist() for row in chosen], 0)
        batch = self.layout.batch(read, types) | {"targets": targets, "scored": scored.bool()}
        return batch | ({"follows": torch.tensor(follows)} if self.layout.pairs else {})

    def _row(self, row: int, rng: np.random.Generator) -> tuple[Ids, Ids, np.ndarray, Ids, bool]:
        """Ids, types, what is chosen, what is read, and whether the second segment follows."""
        start = int((row + rng.random()) * self.documents.sentences / self.count)
        room, follows = self.layout.room, False
        if self.layout.pairs:
            found = pair(self.documents, start, room, self.short, rng)
            segments, follows = [found.first, found.second], found.follows
        else:
            segments = [full_sentences(self.documents, start, room, self.layout.eos)]
        ids, types = self.layout.joined(segments)
        chosen = self.masking.choose(ids, rng)
        return ids, types, chosen, self.masking.replace(ids, chosen, rng), follows


class GivenRows(Rows):
    """New texts, already encoded, in segments. A key is the number of a row."""

    def __init__(self, layout: Layout, rows: Sequence[Sequence[Ids]]) -> None:
        self.layout = layout
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """tokens, valid: [b n]; with pairs types: [b n]."""
        read, types = zip(*(self.layout.joined(self.rows[i]) for i in keys.tolist()), strict=True)
        return self.layout.batch(read, types)
