"""One trial in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any


@dataclass(frozen=True)
class Job:
    """A trial to train."""

    id: str
    spec: dict[str, Any]
    folder: Path
    plugins: tuple[str, ...]


def work(job: Job, events: Connection, life: Connection) -> None:
    """Train the trial, send its events, end with its exit code. When the other end of `life` closes, die."""
    # a group of its own, so that Ctrl-C in the terminal reaches the trial once, through the coordinator
    os.setsid()
    threading.Thread(target=_die_with, args=(life,), daemon=True).start()
    _quiet(job.folder)
    for number in (signal.SIGINT, signal.SIGTERM):
        # until the trial takes them over nothing is to be saved; raised as an exception they can get lost in an import
        signal.signal(number, _leave)
    events.send({"event": "ready"})

    import torch

    from experiments.making import make_data, make_parts
    from experiments.measure import facts
    from experiments.training.trial import exit_code, run_trial
    from registry.catalog import Catalog

    torch.set_num_threads(1)
    try:
        catalog = Catalog.load(job.plugins)
        length = make_data(job.spec, catalog).length
        summary = run_trial(
            job.spec,
            job.folder,
            build_parts=lambda spec: make_parts(spec, catalog),
            on_progress=events.send,
            measure=lambda model: facts(model, length),
        )
    except Exception as error:
        events.send({"event": "failed", "reason": f"{type(error).__name__}: {error}".splitlines()[0]})
        sys.exit(1)
    events.send({"event": "summary", "summary": summary})
    sys.exit(exit_code(summary))


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


def _die_with(life: Connection) -> None:
    try:
        life.recv()
    except (EOFError, OSError):
        os._exit(1)


def _quiet(folder: Path) -> None:
    """What libraries print goes to the trial's log, not to the sweep's terminal."""
    folder.mkdir(parents=True, exist_ok=True)
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
