"""Rows of like length together: less padding, and otherwise a pass like any other."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch

from experiments.data import LabelledText, ParallelText
from experiments.data.base import Data
from experiments.data.loader import Bucketed, Rows, TrainLoader, seeded

KINDS: dict[str, Any] = {"labelled": LabelledText, "parallel": ParallelText}


def padding(data: Data) -> float:
    loader = data.train_loader()
    batches = [batch for batch, _ in zip(loader, range(len(loader)), strict=False)]
    masks = [batch[name] for batch in batches for name in ("valid", "source_valid") if name in batch]
    return 1 - sum(int(mask.sum()) for mask in masks) / sum(mask.numel() for mask in masks)


@pytest.mark.parametrize("kind", KINDS)
def test_less_is_padded(kind: str) -> None:
    at_random, bucketed = (padding(KINDS[kind](0, batching=way)) for way in ("shuffled", "bucketed"))
    assert at_random > 0.25 and bucketed < 0.6 * at_random


def test_each_row_once_a_pass_and_another_way_every_pass() -> None:
    data = LabelledText(0, batching="bucketed", batch_size=7)
    loader = data.train_loader()
    taken = iter(loader)
    passes = [[next(taken) for _ in range(len(loader))] for _ in range(2)]
    assert len(loader) == 1600 // 7
    whole = Counter(tuple(text) for text in data.rows("train").texts)
    for batches in passes:
        assert all(len(batch["tokens"]) == 7 for batch in batches)
        found = Counter(
            tuple(row[there].tolist())
            for batch in batches
            for row, there in zip(batch["tokens"], batch["valid"], strict=True)
        )
        assert not found - whole
    assert not torch.equal(passes[0][0]["labels"], passes[1][0]["labels"])
    # which rows are together changes too, not only the order of the batches
    groups = [{tuple(sorted(map(int, batch["valid"].sum(1)))) for batch in batches} for batches in passes]
    assert groups[0] != groups[1]


def test_long_and_short_batches_follow_at_random() -> None:
    """Within a pool too, where the rows were sorted."""
    orders = set()
    for seed in range(5):
        keys = Bucketed(Drawn(), torch.arange(50), 8).keys(torch.Generator().manual_seed(seed))
        orders.add(tuple(batch[:, 0].sum().item() for batch in keys.split(8)))
    assert len(orders) == 5 and all(list(order) != sorted(order) for order in orders)


@pytest.mark.parametrize("kind", KINDS)
def test_resumed_in_the_middle_of_a_pass(kind: str) -> None:
    def loader() -> TrainLoader:
        return KINDS[kind](3, batching="bucketed").train_loader()

    whole = loader()
    taken = iter(whole)
    expected = [next(taken) for _ in range(len(whole) + 9)]
    for start in (0, 1, 17, len(whole), len(whole) + 8):
        again = loader()
        again.load_state_dict({"drawn": start})
        batch = next(iter(again))
        assert all(torch.equal(batch[name], expected[start][name]) for name in batch)


class Drawn(Rows):
    """Rows with a seed behind each."""

    def __len__(self) -> int:
        return 50

    def keys(self, shuffle: torch.Generator | None) -> torch.Tensor:
        return seeded(torch.arange(50) if shuffle is None else torch.randperm(50, generator=shuffle), shuffle)

    def batch(self, keys: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"rows": keys[:, 0], "seeds": keys[:, 1]}


def test_rows_that_are_partly_drawn() -> None:
    rows = Bucketed(Drawn(), torch.arange(50).flip(0), 8)
    keys = rows.keys(torch.Generator().manual_seed(0))
    assert keys.shape == (48, 2) and len(set(keys[:, 0].tolist())) == 48
    for batch in keys.split(8):
        numbers = batch[:, 0].sort().values
        # two rows of the fifty are left out
        assert int(numbers[-1] - numbers[0]) <= 9
    assert torch.equal(rows.keys(None), Drawn().keys(None))


def test_a_batch_of_all_rows() -> None:
    rows = Bucketed(Drawn(), torch.arange(50), 100)
    assert sorted(rows.keys(torch.Generator())[:, 0].tolist()) == list(range(50))
    assert len(TrainLoader(rows, 100, 0)) == 1
