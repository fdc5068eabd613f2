"""`swapformer status`: how far runs and sweeps are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from experiments.results.progress import FolderProgress


@click.command("status")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--watch", "watching", is_flag=True, help="Go on showing it until nobody works on it any more.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: state, counts, trials at work, failures.")
def command(folder: Path | None, watching: bool, as_json: bool) -> None:
    """How far the run or sweep in DIR is, or each of those in ./runs: from another terminal, or after a crash.

    \b
    swapformer status
    swapformer status runs/demo --watch

    Shows who works on it, the trials at work with their loss, rate and time left, and what failed, with its log.
    Changes nothing.
    """
    if watching and as_json:
        raise click.UsageError("--watch is for people; leave out --json")
    from experiments.console import console
    from experiments.display import status
    from experiments.results.progress import find_runs

    found, several = find_runs(folder)
    if watching:
        if several:
            raise click.UsageError(f"--watch needs one run; name it: {', '.join(map(str, found[:5]))}")
        from experiments.display.watch import watch

        watch(found[0], console())
        return
    all_of_them = [progress for run in found if (progress := _read(run, several)) is not None]
    if as_json:
        import json

        told = [status.as_json(progress) for progress in all_of_them]
        click.echo(json.dumps(told if several else told[0], indent=1))
    elif several:
        status.show_runs(all_of_them, console())
    else:
        status.show_status(all_of_them[0], console())


def _read(folder: Path, several: bool) -> FolderProgress | None:
    """How far a run is; among several, one that cannot be read is told of and left out."""
    from experiments.results.plan import ResultsError
    from experiments.results.progress import read_progress

    try:
        return read_progress(folder)
    except ResultsError as error:
        if not several:
            raise
        click.echo(f"note: {error}", err=True)
        return None
