"""The sweeps that these tests start, and what their databases say."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

from registry.yaml_writer import dump_yaml


def program(folder: Path, wish: dict[str, Any]) -> list[str]:
    """The command that runs a sham sweep."""
    return [sys.executable, str(Path(__file__).parent / "sham_program.py"), str(folder), json.dumps(wish)]


def command(*words: str) -> list[str]:
    """A command line of ours."""
    return [sys.executable, "-m", "experiments.cli.main", *words]


TINY: dict[str, Any] = {
    "name": "tiny",
    "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2, "position": "rotary"},
    "data": {"kind": "text", "length": 16, "batch_size": 4},
    "task": "causal_lm",
    "trainer": {"max_steps": 4, "val_check_interval": 2, "limit_val_batches": 2},
    "metric": {"name": "valid/bits_per_byte"},
    "sweep": {"axes": {"model.attention": ["full", "performer"]}, "seeds": 1, "workers": 2},
}


def tiny(folder: Path, **changes: Any) -> Path:
    """The file of a sweep of two trials of four steps; changes to its blocks."""
    content = {**TINY, **{key: {**TINY[key], **block} for key, block in changes.items()}}
    path = folder / "tiny.yaml"
    path.write_text(dump_yaml(content))
    return path


def query(folder: Path, words: str) -> list[tuple[Any, ...]]:
    """What the database of a sweep answers."""
    with contextlib.closing(sqlite3.connect(folder / "results.sqlite")) as connection:
        return connection.execute(words).fetchall()
