"""Fixtures for toy trials: processes that train one, its spec, and what it wrote."""

from __future__ import annotations

import csv
import multiprocessing
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


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


@pytest.fixture
def together(children: Any) -> Callable[..., list[int | None]]:
    """Trains a toy trial in several processes, as torchrun would start them; returns their exit codes.

    signals: rank -> (call, signal) pairs, as in `toy.SIGNALS`.
    """

    def train(
        spec: dict[str, Any],
        folder: Path,
        *,
        world: int = 2,
        signals: dict[int, list[tuple[int, int]]] | None = None,
        until: int | None = None,
    ) -> list[int | None]:
        from toy import run_rank_and_exit

        port, asked = free_port(), signals or {}
        processes = [
            children.Process(
                target=run_rank_and_exit, args=(spec, folder, rank, world, port, asked.get(rank, []), until)
            )
            for rank in range(world)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(timeout=120)
        codes = [process.exitcode for process in processes]
        for process in processes:
            process.kill()
        return codes

    return train


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
