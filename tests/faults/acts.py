"""What a trial does that only pretends to train. Light, because every trial's process imports it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.atomic import write_json
from experiments.sweep.engine import Job
from experiments.sweep.worker import Tell


def begun(folder: Path) -> int:
    """How often a trial was begun."""
    path = folder / "begun.txt"
    return len(path.read_text().splitlines()) if path.exists() else 0


def say(folder: Path, status: str, reason: str | None = None) -> None:
    """What a trial writes of itself."""
    write_json(folder / "state.json", {"status": status, "reason": reason, "step": 0, "max_steps": 1}, durable=False)


def act(job: Job, tell: Tell) -> dict[str, Any]:
    """What a trial does: notes that it was begun, then what its spec says, then finishes."""
    with open(job.folder / "begun.txt", "a") as file:
        file.write(f"{os.getpid()}\n")
    say(job.folder, "running")
    what, *words = job.spec["act"].split()
    ACTS[what](job, *words)
    summary = {"status": "finished", "reason": None, "metrics": {"valid/loss": 1.0}, "steps": 1, "seed": 0}
    write_json(job.folder / "summary.json", summary, durable=False)
    return summary


def _sleep(job: Job, seconds: str) -> None:
    time.sleep(float(seconds))


def _raise(job: Job, *words: str) -> None:
    say(job.folder, "failed", "RuntimeError: " + " ".join(words))
    raise RuntimeError(" ".join(words) + "\na second line")


def _exit(job: Job, code: str) -> None:
    sys.exit(int(code))


def _vanish(job: Job, code: str) -> None:
    os._exit(int(code))


def _die(job: Job, number: str, times: str) -> None:
    """Die of a signal the first so many times that this trial is begun."""
    if begun(job.folder) <= int(times):
        os.kill(os.getpid(), int(number))


def _allocate(job: Job, mb: str) -> None:
    import torch

    # touched, or the kernel would not count it
    torch.ones(int(mb) * 2**18)


def _wait_for(job: Job, name: str) -> None:
    """Wait until somebody makes a file of this name beside the trials."""
    while not (job.folder.parent.parent / name).exists():
        time.sleep(0.01)


def _with_child(job: Job) -> None:
    """Start a process, as training on several devices does, and wait beside it."""
    with subprocess.Popen(["sleep", "3600"]) as child:
        _wait_for(job, "go")
        child.kill()


def _fill(job: Job) -> None:
    """Leave nothing of the disk."""
    with open(job.folder.parent.parent / "ballast", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1024))


ACTS: dict[str, Callable[..., None]] = {
    "finish": lambda job: None,
    "sleep": _sleep,
    "raise": _raise,
    "exit": _exit,
    "vanish": _vanish,
    "die": _die,
    "allocate": _allocate,
    "wait_for": _wait_for,
    "fill": _fill,
    "with_child": _with_child,
}
