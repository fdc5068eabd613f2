"""One trial in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from experiments.sweep.engine import ENDS, Event, Job
from experiments.sweep.memory import limit_memory

Tell = Callable[[Event], None]
Body = Callable[[Job, Tell], dict[str, Any]]
"""What is done for a job: says what happens on the way, returns the summary, raises what went wrong."""


def work(job: Job, body: Body, gpus: str | None, events: Connection, life: Connection) -> None:
    """Do a job, send its events, end with an exit code. When the other end of `life` closes, die.

    gpus: the only ones that this process shall see, as CUDA names them.
    """
    # a group of its own, so that Ctrl-C in the terminal reaches the trial once, through the coordinator
    os.setsid()
    threading.Thread(target=_die_with, args=(life,), daemon=True).start()
    _quiet(job.folder)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # until the trial takes them over nothing is to be saved; raised as an exception they can get lost in an import
        signal.signal(number, _leave)
    events.send({"event": "ready"})
    if gpus is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus
    last: Event = {}
    try:
        if job.memory_mb is not None:
            limit_memory(job.memory_mb)
        last = {"event": "summary", "summary": body(job, events.send)}
    except Exception as error:
        last = _failure(error)
    finally:
        # an exit is none of these, and is told by the engine
        if last.get("event") in ENDS:
            events.send(last)
    sys.exit(0 if last["event"] == "summary" else 1)


def train(job: Job, tell: Tell) -> dict[str, Any]:
    """The body of every real sweep: a trial by its spec."""
    import torch

    from experiments.making import PartsMaker, make_data
    from experiments.measure import facts
    from experiments.provenance import recorded
    from experiments.training.trial import run_trial
    from registry.catalog import Catalog

    torch.set_num_threads(1)
    with recorded(job.folder, job.spec["seed"], job.plugins):
        catalog = Catalog.load(job.plugins)
        length = make_data(job.spec, catalog).positions(job.spec["model"])
        return run_trial(
            job.spec,
            job.folder,
            build_parts=PartsMaker(job.plugins),
            on_progress=tell,
            measure=lambda model: facts(model, length, job.spec, catalog),
            until=job.until,
        )


def _failure(error: Exception) -> Event:
    """Which end an exception makes."""
    from experiments.training.errors import Busy, RankLost, reason_of, shortage

    # busy: a trial of a coordinator that has just been killed takes a moment to end
    kind = "lost" if isinstance(error, Busy | RankLost) else "failed"
    missing = shortage(error)
    return {"event": kind, "reason": reason_of(error), "oom": missing == "memory", "full": missing == "disk"}


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


def _die_with(life: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        life.recv()
    # with all processes of the trial, if it has started more
    os.killpg(0, signal.SIGKILL)


def _quiet(folder: Path) -> None:
    """What libraries print goes to the trial's log, not to the sweep's terminal."""
    folder.mkdir(parents=True, exist_ok=True)
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
