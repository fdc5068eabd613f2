"""Sweep folders as training writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from written_sweep import write_sweep


@pytest.fixture
def make_sweep(tmp_path: Path) -> Callable[..., Path]:
    """`make_sweep(seeds=..., hostile=..., train=...)` writes a sweep and returns its folder."""
    return lambda name="sweep", **options: write_sweep(tmp_path / name, **options)


@pytest.fixture
def sweep(make_sweep: Callable[..., Path]) -> Path:
    return make_sweep()


@pytest.fixture(scope="session")
def hostile_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep whose names are markup, formulas, control characters and 200 letters; shared, so not to be changed."""
    return write_sweep(tmp_path_factory.mktemp("hostile") / "sweep", hostile=True)


@pytest.fixture(scope="session")
def rich_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seeds, sizes, a budget, tuning and a profile; shared, so not to be changed."""
    return write_sweep(tmp_path_factory.mktemp("rich") / "sweep", seeds=(0, 1, 2), rich=True)
