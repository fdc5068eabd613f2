"""What a trained model says to new inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from experiments.data.base import Items
from experiments.data.errors import BadData
from experiments.data.loader import Batch
from experiments.tasks.base import Answer
from experiments.trained import Trained

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Prediction:
    """One answer. input: what people call it. row: its place in the batch, which is kept for a picture of it."""

    input: Any
    answer: Answer
    batch: Batch
    row: int


def predictions(
    trained: Trained, sources: Iterable[str | Path], bad: Tell, found: Callable[[int], None] = lambda rows: None
) -> Iterator[Prediction]:
    """The answers to every row of every source, in their order and as they come, many rows in a batch.

    bad: told of each source, or row of one, that cannot be used; the others are answered. found: told how many rows a
    source has. Raises NotImplementedError for a task that answers no new inputs.
    """
    for source in sources:
        try:
            items = trained.data.items(source)
        except (BadData, OSError) as error:
            bad(str(error))
            continue
        found(len(items.rows))
        done = 0
        for keys in items.rows.batches(trained.data.batch_size):
            yield from _answered(trained, items, keys, done, bad)
            done += len(keys)


def _answered(trained: Trained, items: Items, keys: torch.Tensor, first: int, bad: Tell) -> Iterator[Prediction]:
    """The rows with these keys, `first` rows being before them; where one of them cannot be used, each by itself."""
    try:
        batch = items.rows.batch(keys)
        with torch.inference_mode():
            answers = trained.task.answers(batch)
    # a model refuses what is too long for it by a ValueError too
    except (ValueError, OSError) as error:
        if len(keys) > 1:
            for i in range(len(keys)):
                yield from _answered(trained, items, keys[i : i + 1], first + i, bad)
        else:
            name = str(items.inputs[first])
            bad(str(error) if name in str(error) else f"{name}: {error}")
        return
    for row, answer in enumerate(answers):
        yield Prediction(items.inputs[first + row], answer, batch, row)
