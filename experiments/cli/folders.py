"""Where runs are kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from registry.errors import Problem, SpecError
from registry.load import Loaded

out_option = click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="Folder in which the run's own folder is made."
)


def run_name(spec: str, loaded: Loaded) -> str:
    """The spec's name, or one made of its file's name."""
    return loaded.full["name"] or re.sub(r"[^a-z0-9._-]+", "-", Path(spec).stem.lower()).strip("-._") or "run"


@contextmanager
def claimed(folder: Path, else_: str) -> Iterator[None]:
    """Inside, a run's folder is there and ours alone; if nothing comes to stand in it, it goes again.

    Raises SpecError where nothing can be written, and Busy, with the words `else_`, where another process works there.
    """
    from experiments.results.holder import LOCK
    from experiments.training.folder_lock import only_one

    missing = claim(folder)
    with only_one(folder, else_):
        try:
            yield
        finally:
            if missing and [path.name for path in folder.iterdir()] == [LOCK]:
                # while it is locked: whoever opens it now finds a lock without a name, which counts as none
                (folder / LOCK).unlink()
                with suppress(OSError):
                    for path in missing:
                        path.rmdir()


def claim(folder: Path) -> list[Path]:
    """Make a run's folder; returns which folders that made, the innermost first.

    Raises SpecError where nothing can be written, before anything is trained.
    """
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        # of this process alone: two may be at it at the same time
        probe = folder / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SpecError([Problem("", f"cannot write to {folder}: {error.strerror or error}")]) from None
    return missing
