"""Starting the other processes of a trial on this machine, and noticing when one is lost."""

from __future__ import annotations

import multiprocessing.connection
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from experiments.ranks import Ranks
from experiments.training.connection import connected
from experiments.training.errors import RankFailed, RankLost
from experiments.training.places import Place

_GRACE = 5.0
"""Seconds that this process has to notice by itself that another one is gone."""


@dataclass(frozen=True)
class Request:
    """What another rank needs to know. resume: the checkpoint to go on from."""

    spec: Mapping[str, Any]
    folder: Path
    build_parts: Callable[[Mapping[str, Any]], Any]
    place: Place
    until: int | None
    resume: Path | None


@contextmanager
def launched(request: Request, give_up: Callable[[str], None]) -> Iterator[Ranks]:
    """Inside, the other ranks run as processes of this machine, which end with this one whatever happens to it.

    request: of this process, the first. give_up: called with the reason when a rank is gone and this process hangs;
    then it is ended.

    Raises RankLost and RankFailed in the place of whatever fails here when another rank is gone.
    """
    world = request.place.world
    # a port that nobody else has
    store = TCPStore("127.0.0.1", 0, world, is_master=True, wait_for_workers=False)
    others = _Others(give_up)
    try:
        for rank in range(1, world):
            others.start(replace(request, place=Place(rank, world, rank, 0, "127.0.0.1", store.port)))
        others.wait_until_ready()
        place = replace(request.place, port=store.port)
        with connected(place, request.spec.get("trainer", {}), store) as ranks:
            yield ranks
    except (Exception, SystemExit) as error:
        problem = others.problem(error)
        if problem is None:
            raise
        raise problem from error
    finally:
        others.close()


class _Others:
    """What the others say: "ready", "done", or "failed" with a reason and what was short."""

    def __init__(self, give_up: Callable[[str], None]) -> None:
        self._give_up = give_up
        self._processes: dict[Connection, subprocess.Popen[bytes]] = {}
        self._ready = 0
        self._problem: Exception | None = None
        self._noticed = threading.Event()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def start(self, request: Request) -> None:
        ours, theirs = multiprocessing.connection.Pipe()
        with theirs, open(request.folder / "log.txt", "ab") as log:
            # -P: a file of the current folder must not be taken for a module
            command = [sys.executable, "-P", "-m", "experiments.training.rank", str(theirs.fileno())]
            self._processes[ours] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                env=_environment(),
            )
        try:
            ours.send(request)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise TypeError(f"what builds a trial for several processes must be picklable: {error}") from error

    def wait_until_ready(self) -> None:
        self._watcher.start()
        while self._ready < len(self._processes):
            if self._noticed.wait(0.05):
                assert self._problem is not None
                raise self._problem

    def problem(self, error: BaseException) -> Exception | None:
        """What happened to another rank, if that is why this one failed."""
        if error is self._problem:
            return None
        # connections break a moment before it is known why
        self._noticed.wait(2.0 if isinstance(error, RuntimeError) else 0.0)
        return self._problem

    def close(self) -> None:
        self._over.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for connection in self._processes:
            connection.close()
        for process in self._processes.values():
            try:
                process.wait(timeout=2.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _watch(self) -> None:
        ranks = {connection: rank for rank, connection in enumerate(self._processes, start=1)}
        while ranks and not (self._over.is_set() or self._noticed.is_set()):
            for connection in multiprocessing.connection.wait(list(ranks), timeout=0.2):
                assert isinstance(connection, Connection)
                if self._heard(connection, ranks[connection]):
                    del ranks[connection]
        if self._noticed.is_set() and not self._over.wait(_GRACE):
            # a library waits for the one that is gone, and cannot be told
            with suppress(Exception):
                self._give_up(str(self._problem))
            os._exit(1)

    def _heard(self, connection: Connection, rank: int) -> bool:
        """Take what a rank says; whether that was the last of it."""
        try:
            word, *more = connection.recv()
        except (EOFError, OSError):
            self._problem = RankLost(f"rank {rank} {_how(self._processes[connection])}")
            self._noticed.set()
            return True
        if word == "ready":
            self._ready += 1
        elif word == "failed":
            self._problem = RankFailed(rank, *more)
            self._noticed.set()
        return word != "ready"


def _how(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        return "is gone"
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _environment() -> dict[str, str]:
    """Ours, so that the same modules are found; one thread, as in `connected`."""
    where = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return {**os.environ, "PYTHONPATH": where, "OMP_NUM_THREADS": "1"}
