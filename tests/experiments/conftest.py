"""What the tests of the training side share: a model that learns a little in no time, and trials of it."""

from __future__ import annotations

import csv
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def children() -> Iterator[Any]:
    """A way to start processes that have everything imported already."""
    context = multiprocessing.get_context("forkserver")
    with pytest.MonkeyPatch.context() as patch:
        # the server looks for what it preloads before it is told our sys.path
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
        context.set_forkserver_preload(["toy"])
        yield context


def curve(folder: Path) -> list[tuple[str, ...]]:
    """The rows of a run's metrics.csv without the wall-clock column."""
    with open(folder / "metrics.csv", encoding="utf-8", newline="") as file:
        return [(r["step"], r["epoch"], r["name"], r["value"]) for r in csv.DictReader(file)]


@pytest.fixture
def read_curve() -> Callable[[Path], list[tuple[str, ...]]]:
    return curve


@pytest.fixture
def toy_spec(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """A resolved spec of a toy trial: 6 batches a pass, 2 optimizer steps between validations."""
    text = tmp_path / "toy.txt"
    text.write_bytes(bytes((i * i + i // 7) % 61 + 32 for i in range(8 * 2 * 7 + 1)))
    valid = tmp_path / "toy_valid.txt"
    valid.write_bytes(bytes((i * i) % 61 + 32 for i in range(30)))

    def make(**trainer: Any) -> dict[str, Any]:
        options = {"max_steps": 14, "val_check_interval": 4, "log_every_n_steps": 1, "accelerator": "cpu"}
        data = {"kind": "text", "train": str(text), "valid": str(valid), "length": 8, "batch_size": 2}
        return {"seed": 0, "data": data, "trainer": options | trainer}

    return make
