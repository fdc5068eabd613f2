"""Windows of text: which tokens are seen, how often, and in which order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments.data import BadData, Text
from experiments.data.text_windows import Tiles, Windows


def text(folder: Path, size: int = 100, **options: Any) -> Text:
    for name, n in (("train", size), ("valid", 30)):
        (folder / f"{name}.txt").write_bytes(bytes(i % 251 for i in range(1, n + 1)))
    return Text(
        0,
        train=str(folder / "train.txt"),
        valid=str(folder / "valid.txt"),
        **({"length": 8, "batch_size": 2} | options),
    )


def test_targets_are_one_place_on(tmp_path: Path) -> None:
    for batch in [next(iter(text(tmp_path).train_loader())), *text(tmp_path).eval_loader()]:
        assert torch.equal(batch["targets"], batch["tokens"] + 1)
        assert set(batch) == {"tokens", "targets"}
        assert batch["tokens"].dtype == torch.long


@pytest.mark.parametrize("size", [2, 7, 8, 9, 10, 16, 17, 30])
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_validation_has_every_target_once(size: int, batch: int) -> None:
    tiles = Tiles(torch.arange(size), 8)
    targets = [int(t) for keys in tiles.batches(batch) for t in tiles.batch(keys)["targets"].flatten()]
    assert targets == list(range(1, size))
    assert all(len(keys) <= batch for keys in tiles.batches(batch))


@pytest.mark.parametrize("size", [9, 10, 16, 17, 24, 25, 26, 40, 100])
def test_training_windows_tile_the_text(size: int) -> None:
    windows = Windows(torch.arange(size), 8)
    offsets = set()
    for seed in range(100):
        starts = windows.keys(torch.Generator().manual_seed(seed))
        assert len(starts) == len(windows)
        assert int(starts.max()) + 8 < size
        assert int(starts.min()) >= 0
        seen = Counter(int(t) for t in windows.batch(starts)["tokens"].flatten())
        assert set(seen.values()) == {1}
        offsets.add(int(starts.min()))
    # every offset comes up, as far as the text has room
    assert offsets == set(range(min(8, size - len(windows) * 8)))


def test_every_pass_has_another_order(tmp_path: Path) -> None:
    loader = text(tmp_path).train_loader()
    taken = iter(loader)
    passes = [torch.cat([next(taken)["tokens"][:, 0] for _ in range(len(loader))]).tolist() for _ in range(3)]
    assert passes[0] != passes[1] != passes[2]
    assert len(loader) == 5


def test_position_can_be_restored(tmp_path: Path) -> None:
    loader = text(tmp_path).train_loader()
    taken = iter(loader)
    expected = [next(taken)["tokens"] for _ in range(13)]
    for start in (0, 1, 4, 5, 6, 12):
        again = text(tmp_path).train_loader()
        again.load_state_dict({"drawn": start})
        assert torch.equal(next(iter(again))["tokens"], expected[start])
        assert again.state_dict()["drawn"] == start + 1


def test_last_tenth_is_held_out(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_bytes(bytes(range(200)))
    data = Text(0, train=str(tmp_path / "one.txt"), length=8)
    assert data.raw("train") == bytes(range(180))
    assert data.raw("valid") == bytes(range(180, 200))
    with pytest.raises(BadData, match=r"no test text: give data.test a file"):
        data.eval_loader("test")


def test_too_short(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"train.txt: too short: 8 tokens, at least 9 are needed for length 8"):
        text(tmp_path, size=8).prepare()
    text(tmp_path, size=9).prepare()
    (tmp_path / "valid.txt").write_bytes(b"x")
    with pytest.raises(BadData, match=r"valid.txt: too short: 1 tokens, at least 2"):
        Text(0, train=str(tmp_path / "train.txt"), valid=str(tmp_path / "valid.txt"), length=8).prepare()


def test_one_line_and_any_bytes_will_do(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_bytes(b"one line, and bytes \xff\xfe\x00 that are not UTF-8" * 3)
    Text(0, train=str(tmp_path / "one.txt"), length=8).prepare()


def test_shipped_corpus() -> None:
    data = Text(0)
    about = data.about()
    assert about["about"] == "text 'speeches'"
    assert about["train_bytes"] == 461_123
    assert about["valid_bytes"] == 48_882
    assert (data.length, data.vocab) == (128, 256)
    assert data.classes is None
    assert data.fingerprint() == Text(5, length=64).fingerprint() != text_fingerprint("valid")
    assert data.sizes().tolist() == [1] * 256


def text_fingerprint(split: str) -> str:
    from experiments.data.files import CORPORA

    return Text(0, train=str(CORPORA / "lm" / f"{split}.txt.xz")).fingerprint()


def test_nothing_is_read_before_prepare() -> None:
    data = Text(0, train="nowhere.txt")
    assert (data.length, data.vocab) == (128, 256)
