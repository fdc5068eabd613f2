"""Files that are made once and kept: by one process at a time, and made again when they are damaged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import platformdirs
from filelock import FileLock

from experiments.atomic import write_bytes, write_text


def cache_folder(name: str) -> Path:
    """Where the user's kept files of one sort are."""
    return Path(platformdirs.user_cache_dir("swapformer")) / name


def keep(path: Path, make: Callable[[], bytes]) -> bool:
    """Whether the file is there, as it was written; `make` gives its content where it is not.

    Its check sum stands beside it in `<name>.sha256`. Others who want the same file wait for the one that makes it. A
    cache that cannot be written costs time only, so that is no error.
    """
    if _intact(path):
        return True
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if _intact(path):
                return True
            content = make()
            # not waiting for the disk: the check sum tells what a power cut left half written
            write_bytes(path, content, durable=False)
            write_text(_sum(path), hashlib.sha256(content).hexdigest(), durable=False)
    except OSError:
        return False
    return True


def _sum(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _intact(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == _sum(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False
