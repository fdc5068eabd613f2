"""One process at a time in a folder."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from experiments.results.holder import LOCK
from experiments.training.errors import Busy


@contextmanager
def only_one(folder: Path, else_: str) -> Iterator[None]:
    """Inside, the folder is ours, until this process ends in whatever way.

    Raises Busy, with the words `else_` and who holds the folder: process, host and since when. The kernel's lock
    decides; what is written in the lock file is only told, so no clock and no file left behind can open a folder.
    """
    path = folder / LOCK
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(f"{folder}: {else_}{_holder(path)}") from None
    try:
        # a full disk shall not keep anyone from working on what there is
        with suppress(OSError):
            _sign(path)
        yield
    finally:
        lock.release()


def _sign(path: Path) -> None:
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    # written in place: a new file would be another lock
    with open(path, "r+", encoding="utf-8") as file:
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}) + "\n")
        file.truncate()


def _holder(path: Path) -> str:
    """Who holds the lock, as the end of a message; "" where it does not say."""
    for _ in range(10):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(path.read_bytes())
            if _may_hold(found):
                return f" (process {found['pid']} on {found['host']}, since {found['since']})"
        # it has the lock but has not signed yet
        time.sleep(0.05)
    return ""


def _may_hold(found: dict[str, Any]) -> bool:
    """Whether the process that signed may be the holder; one that is gone has left its name behind."""
    if found["host"] != socket.gethostname():
        return True
    try:
        os.kill(int(found["pid"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
