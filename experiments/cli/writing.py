"""Files that commands write: never over one that is there, unless told to."""

from __future__ import annotations

from pathlib import Path

import click


def write_new(path: Path, content: str, *, force: bool) -> None:
    """Write `content`. Raises UsageError as `may_write` does."""
    may_write(path, force=force)
    path.write_text(content, encoding="utf-8", newline="\n")


def may_write(path: Path, *, force: bool) -> None:
    """Raises UsageError when the file exists and `force` is off, or when its folder does not exist."""
    if path.is_dir():
        raise click.UsageError(f"{path} is a folder; name a file in it")
    if path.exists() and not force:
        raise click.UsageError(f"{path} exists; --force writes over it, -o names another file")
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no folder {path.parent}")
