"""Every kind of generated data, small, and rows of it as people write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from experiments.data import generated as kinds
from experiments.data.generated.base import Generated
from experiments.data.loader import Batch

SMALL: dict[str, Callable[[], Generated]] = {
    "addition": lambda: kinds.Addition(0, digits=4, shortest=2, batch_size=6, held_out=10),
    "compression": lambda: kinds.Compression(0, length=9, batch_size=6, held_out=10),
    "copy": lambda: kinds.Copy(0, symbols=7, shortest=2, batch_size=6, held_out=10),
    "dyck": lambda: kinds.Dyck(0, length=20, batch_size=6, held_out=10),
    "fuzzy_recall": lambda: kinds.FuzzyRecall(0, length=40, batch_size=6, held_out=10),
    "induction": lambda: kinds.Induction(0, length=12, repeats=2, batch_size=6, held_out=10),
    "listops": lambda: kinds.ListOps(0, length=60, shortest=5, batch_size=6, held_out=10),
    "noisy_recall": lambda: kinds.NoisyRecall(0, length=20, batch_size=6, held_out=10),
    "parity": lambda: kinds.Parity(0, length=9, batch_size=6, held_out=10),
    "pathfinder": lambda: kinds.Pathfinder(0, size=12, dashes=3, distractors=1, batch_size=6, held_out=10),
    "pathfinder image": lambda: kinds.Pathfinder(0, size=12, dashes=3, form="image", batch_size=6, held_out=10),
    "recall": lambda: kinds.Recall(0, pairs=3, length=16, vocab_size=20, batch_size=6, held_out=10),
    "regression": lambda: kinds.Regression(0, dimensions=2, examples=4, batch_size=6, held_out=10),
    "reversal": lambda: kinds.Reversal(0, symbols=7, shortest=2, batch_size=6, held_out=10),
    "selective_copy": lambda: kinds.SelectiveCopy(0, symbols=3, length=14, batch_size=6, held_out=10),
    "sorting": lambda: kinds.Sorting(0, symbols=7, shortest=2, batch_size=6, held_out=10),
}


def batch_of(data: Generated, split: str, rows: int) -> Batch:
    """The first rows of a split, in training those of its first batch."""
    if split == "train":
        data.batch_size = rows
        return next(iter(data.train_loader()))
    source = data.rows(split)
    return source.batch(source.keys(None)[:rows])


def written(data: Generated, batch: Batch) -> Iterator[tuple[list[str], list[str | None]]]:
    """Of each row its tokens, and what is asked behind each of them, None where nothing is."""
    for tokens, targets, scored in zip(batch["tokens"], batch["targets"], batch["scored"], strict=True):
        asked = zip(targets.tolist(), scored.tolist(), strict=True)
        yield [data.symbols[i] for i in tokens.tolist()], [data.symbols[i] if there else None for i, there in asked]


def equal(one: Batch, other: Batch) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
