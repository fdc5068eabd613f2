"""Files that are either old or new, never half written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from experiments.crash import crash_point


def temporary(target: Path) -> Path:
    """The name under which a new version of `target` is written, beside it (so on the same file system)."""
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


def commit(ready: Path, target: Path) -> None:
    """Put a completely written file in the place of `target`, and make that durable."""
    os.replace(ready, target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(target: Path, text: str, *, durable: bool = True) -> None:
    """Replace the content of a file. Without `durable` a power cut may undo it, but not tear it."""
    write_bytes(target, text.encode("utf-8"), durable=durable)


def write_bytes(target: Path, content: bytes, *, durable: bool = True) -> None:
    """As `write_text`. Its crash points are named by the file: `summary.half_written`."""
    new, half, name = temporary(target), len(content) // 2, target.stem
    crash_point(f"{name}.before_write")
    try:
        with open(new, "wb") as file:
            file.write(content[:half])
            file.flush()
            crash_point(f"{name}.half_written")
            file.write(content[half:])
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if durable:
            commit(new, target)
        else:
            os.replace(new, target)
    finally:
        new.unlink(missing_ok=True)
    crash_point(f"{name}.after_write")


def write_json(target: Path, value: Any, *, durable: bool = True) -> None:
    """As `write_text`. Numbers that are not finite are refused: JSON has none."""
    write_text(target, json.dumps(value, indent=1, allow_nan=False) + "\n", durable=durable)


def remove_strays(folder: Path) -> int:
    """Delete temporary files that a killed process left; returns how many. Only for the folder's single writer."""
    strays = list(folder.glob(".*.tmp"))
    for stray in strays:
        stray.unlink(missing_ok=True)
    return len(strays)
