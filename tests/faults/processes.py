"""Looking at processes, and waiting for what they do."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
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


def below(pid: int) -> list[int]:
    """All descendants of a process."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents.setdefault(int(words[1]), []).append(int(stat.parent.name))
    found = list(parents.get(pid, []))
    for child in found:
        found += parents.get(child, [])
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[Any] | None = None, seconds: float = 90) -> None:
    """Until it holds; fails when it takes too long, or `process` ends."""
    until = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, "ended too early"
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
