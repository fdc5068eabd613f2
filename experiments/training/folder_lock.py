"""One process at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from experiments.training.errors import Busy


@contextmanager
def only_one(folder: Path, else_: str) -> Iterator[None]:
    """Inside, the folder is ours, until this process ends in whatever way. Raises Busy, with the words `else_`."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(f"{folder}: {else_}") from None
    try:
        yield
    finally:
        lock.release()
