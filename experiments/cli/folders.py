"""Where runs are kept."""

from __future__ import annotations

import re
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


def claim(folder: Path) -> None:
    """Make a run's folder. Raises SpecError where that is not possible, before anything is trained."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SpecError([Problem("", f"cannot write to {folder}: {error.strerror or error}")]) from None
