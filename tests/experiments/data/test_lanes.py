"""Contiguous batches: each row goes on where the same row ended, and nothing is seen twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from experiments.data import Text
from experiments.data.lanes import EvalLanes, TrainLanes
from experiments.data.loader import Batch


def text(folder: Path, size: int = 100, **options: Any) -> Text:
    """Each token is its own place in the text."""
    for name, n in (("train", size), ("valid", 30)):
        (folder / f"{name}.txt").write_bytes(bytes(range(1, n + 1)))
    files = {name: str(folder / f"{name}.txt") for name in ("train", "valid")}
    return Text(0, **files, **({"length": 8, "batch_size": 3, "order": "contiguous"} | options))


def assert_contiguous(batches: list[Batch]) -> None:
    """Of texts in which every token is one more than the last. The first rows go on where there are fewer."""
    ends: Tensor | None = None
    for batch in batches:
        assert torch.equal(batch["targets"], batch["tokens"] + 1)
        rows = len(batch["tokens"])
        assert batch["continues"].tolist() == [ends is not None] * rows
        if ends is not None:
            assert torch.equal(batch["tokens"][:, 0], ends[:rows] + 1)
        ends = batch["tokens"][:, -1]


def test_a_pass_of_training(tmp_path: Path) -> None:
    loader = text(tmp_path).train_loader()
    taken = iter(loader)
    firsts = []
    for _ in range(5):
        batches = [next(taken) for _ in range(len(loader))]
        assert_contiguous(batches)
        assert {tuple(b["tokens"].shape) for b in batches} == {(3, 8)}
        seen = Counter(int(t) for b in batches for t in b["tokens"].flatten())
        assert set(seen.values()) == {1}
        firsts.append(int(batches[0]["tokens"][0, 0]))
    # 99 places are four batches of 24 and three left over
    assert len(loader) == 4
    assert len(set(firsts)) > 1


@pytest.mark.parametrize("size", [9, 10, 17, 24, 25, 26, 49, 100])
@pytest.mark.parametrize("lanes", [1, 2, 3, 50])
def test_training_lanes_stay_in_the_text(size: int, lanes: int) -> None:
    rows = TrainLanes(torch.arange(size), 8, lanes)
    left_out = size - 1 - 8 * len(rows)
    assert 0 <= left_out < 8 * rows.lanes
    for seed in range(30):
        keys = rows.keys(torch.Generator().manual_seed(seed))
        assert len(keys) == len(rows) == rows.lanes * rows.steps
        batches = [rows.batch(part) for part in keys.split(rows.lanes)]
        assert_contiguous(batches)
        seen = torch.cat([b["targets"].flatten() for b in batches])
        assert len(seen.unique()) == len(seen) == 8 * len(rows)
        assert int(seen.max()) < size


@pytest.mark.parametrize("size", [2, 7, 9, 10, 16, 17, 30, 61, 64])
@pytest.mark.parametrize("lanes", [1, 2, 3, 5])
def test_validation_has_every_target_once(size: int, lanes: int) -> None:
    rows = EvalLanes(torch.arange(size), 8)
    batches = [rows.batch(keys) for keys in rows.batches(lanes)]
    assert_contiguous(batches)
    targets = sorted(int(t) for b in batches for t in b["targets"].flatten())
    assert targets == list(range(1, size))
    assert all(b["tokens"].shape[1] <= 8 and len(b["tokens"]) <= lanes for b in batches)


def test_position_can_be_restored(tmp_path: Path) -> None:
    taken = iter(text(tmp_path).train_loader())
    expected = [next(taken) for _ in range(11)]
    for start in (0, 1, 3, 4, 5, 10):
        again = text(tmp_path).train_loader()
        again.load_state_dict({"drawn": start})
        found = next(iter(again))
        assert all(torch.equal(found[name], expected[start][name]) for name in expected[start])


def test_a_text_shorter_than_a_batch(tmp_path: Path) -> None:
    batch = next(iter(text(tmp_path, size=20, batch_size=16).train_loader()))
    assert batch["tokens"].shape == (2, 8)


def test_shuffled_unless_asked(tmp_path: Path) -> None:
    batch = next(iter(text(tmp_path, order="shuffled").train_loader()))
    assert "continues" not in batch
