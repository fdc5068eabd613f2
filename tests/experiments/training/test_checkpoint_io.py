"""A checkpoint is old or new whatever happens while it is written, and never runs code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments import atomic
from experiments.training import checkpoint_io
from experiments.training.checkpoint_io import (
    BEST,
    LAST,
    PREVIOUS,
    AtomicCheckpointIO,
    copy_checkpoint,
    model_state,
    newest,
    read_checkpoint,
)

OLD, NEW = {"step": 1, "state_dict": {"model.w": torch.ones(3)}}, {"step": 2, "state_dict": {"model.w": torch.zeros(3)}}


class Killed(BaseException):
    """Stands for a kill: nothing after it runs, the cleaning up included."""


def refuse(*args: Any, **kwargs: Any) -> None:
    raise Killed


def save(value: dict[str, Any], path: Path) -> None:
    AtomicCheckpointIO().save_checkpoint(value, path)


def steps(folder: Path) -> int:
    found = newest(folder, note=lambda text: None)
    assert found is not None
    return int(found[1]["step"])


def test_saves_and_keeps_the_previous_one(tmp_path: Path) -> None:
    save(OLD, tmp_path / LAST)
    save(NEW, tmp_path / LAST)
    assert read_checkpoint(tmp_path / LAST)["step"] == 2
    assert read_checkpoint(tmp_path / PREVIOUS)["step"] == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [LAST, PREVIOUS]
    assert torch.equal(model_state(NEW)["w"], torch.zeros(3))


@pytest.mark.parametrize("nth", range(9))
def test_killed_at_any_point(nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dies before the n-th system call of a save; from some n on, there are no more of them."""
    save(OLD, tmp_path / LAST)
    calls = 0

    def dying(inner: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > nth:
                raise Killed
            return inner(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_io.torch, "save", dying(torch.save))
        for name in ("fsync", "replace", "open"):
            patch.setattr(os, name, dying(getattr(os, name)))
        patch.setattr(Path, "unlink", refuse if nth < 6 else Path.unlink)
        try:
            save(NEW, tmp_path / LAST)
        except Killed:
            assert nth < 6
    assert steps(tmp_path) in (1, 2)
    assert steps(tmp_path) == 2 or nth < 4
    atomic.remove_strays(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} <= {LAST, PREVIOUS}
    save(NEW, tmp_path / LAST)
    assert steps(tmp_path) == 2


def test_half_written_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(OLD, tmp_path / LAST)

    def half(value: Any, file: Any) -> None:
        file.write(b"PK\x03\x04 half of a checkpoint")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_io.torch, "save", half)
    with pytest.raises(OSError, match="No space left"):
        save(NEW, tmp_path / LAST)
    assert [p.name for p in tmp_path.iterdir()] == [LAST]
    assert steps(tmp_path) == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text"])
def test_damaged_falls_back(damage: str, tmp_path: Path) -> None:
    save(OLD, tmp_path / LAST)
    save(NEW, tmp_path / LAST)
    whole = (tmp_path / LAST).read_bytes()
    weights = whole.index(torch.zeros(3).numpy().tobytes(), whole.index(b"data/0"))
    flipped = whole[:weights] + b"\x01" + whole[weights + 1 :]
    broken = {"cut": whole[: len(whole) // 2], "flipped": flipped, "empty": b"", "text": b"not a checkpoint"}
    (tmp_path / LAST).write_bytes(broken[damage])
    notes: list[str] = []
    found = newest(tmp_path, notes.append)
    assert found is not None
    assert found[0].name == PREVIOUS
    assert found[1]["step"] == 1
    assert len(notes) == 1
    assert LAST in notes[0]
    assert "falling back" in notes[0]
    (tmp_path / PREVIOUS).write_bytes(b"")
    assert newest(tmp_path, notes.append) is None
    copy_checkpoint(tmp_path / LAST, tmp_path / BEST)
    save(NEW, tmp_path / BEST)
    assert steps(tmp_path) == 2


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("evil_was_here",)


def test_foreign_code_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"step": 3, "evil": Evil()}, tmp_path / LAST)
    with pytest.raises(ValueError, match="not a checkpoint that can be loaded"):
        read_checkpoint(tmp_path / LAST)
    (tmp_path / PREVIOUS).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match="not a checkpoint that can be loaded"):
        AtomicCheckpointIO().load_checkpoint(tmp_path / PREVIOUS, weights_only=False)
    assert not Path("evil_was_here").exists()


def test_copy_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(OLD, tmp_path / LAST)

    def no_links(*args: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    copy_checkpoint(tmp_path / LAST, tmp_path / BEST)
    assert read_checkpoint(tmp_path / BEST)["step"] == 1


def test_best_survives_a_new_last(tmp_path: Path) -> None:
    save(OLD, tmp_path / LAST)
    copy_checkpoint(tmp_path / LAST, tmp_path / BEST)
    save(NEW, tmp_path / LAST)
    assert read_checkpoint(tmp_path / BEST)["step"] == 1
