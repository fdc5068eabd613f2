"""A full disk, told so that one knows how much to free."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.store import StoreError
from experiments.training.errors import FULL

_HOW = "kB more are needed"


@contextmanager
def room_for(folder: Path, size: int) -> Iterator[None]:
    """Inside, about `size` bytes are written below `folder`. An error of a full disk says how much is missing."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL or _HOW in str(error):
            raise
        words = f"{error.strerror}; {missing(folder, size)}"
        raise OSError(error.errno, words, str(error.filename or folder)) from error
    except StoreError as error:
        if "full" not in str(error) or _HOW in str(error):
            raise
        raise StoreError(f"{error}; {missing(folder, size)}") from error


def missing(folder: Path, size: int) -> str:
    """How much must be freed to write so many bytes, as the end of a message."""
    free = shutil.disk_usage(folder).free
    kilobytes = max(1, -(-(size - free) // 1000))
    return f"about {kilobytes:,} {_HOW}; what is trained is kept, and the same command continues"
