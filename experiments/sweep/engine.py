"""Runs trials side by side: a fresh process for each, forked from a server that has everything imported."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.forkserver
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from experiments.sweep.worker import Job, work

Event = dict[str, Any]


@dataclass
class Running:
    """A trial in progress.

    ready: whether its process is far enough that a signal is not lost. ended: whether it has told of its own end.
    signals: how many were passed on to it.
    """

    job: Job
    process: BaseProcess
    events: Connection
    life: Connection
    ready: bool = False
    ended: bool = False
    signals: int = 0


class Engine:
    """Trials as processes of this machine.

    Nothing survives the coordinator: its end closes the pipe that each trial watches.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.running: dict[str, Running] = {}
        # one thread a trial: trials side by side would only get into each other's way
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["experiments.sweep.warm"])
        multiprocessing.forkserver.ensure_running()

    @property
    def free(self) -> int:
        return self.workers - len(self.running)

    def start(self, job: Job) -> None:
        """Start a trial."""
        events, their_events = self._context.Pipe(duplex=False)
        their_life, life = self._context.Pipe(duplex=False)
        process = self._context.Process(target=work, args=(job, their_events, their_life), daemon=True)
        process.start()
        their_events.close()
        their_life.close()
        self.running[job.id] = Running(job, process, events, life)

    def events(self, timeout: float) -> Iterator[tuple[Job, Event]]:
        """What the trials have said, within so many seconds; a trial that ends without a word is said to be killed."""
        watched: dict[Any, Running] = {r.events: r for r in self.running.values()}
        for ready in wait(list(watched), timeout):
            trial = watched[ready]
            try:
                event = trial.events.recv()
            except (EOFError, OSError):
                yield from self._finish(trial)
                continue
            trial.ready = True
            trial.ended |= event["event"] in ("summary", "failed")
            yield trial.job, event

    def pass_on(self, signals: Sequence[int]) -> None:
        """Send every trial those of the signals, which only become more, that it has not been sent yet.

        A trial that is not ready gets them at a later call: the server that it is forked from ignores Ctrl-C.
        """
        for trial in (t for t in self.running.values() if t.ready):
            for number in signals[trial.signals :]:
                _send(trial.process, number)
            trial.signals = len(signals)

    def close(self) -> None:
        """End whatever still runs."""
        for trial in self.running.values():
            _send(trial.process, signal.SIGKILL)
        for trial in self.running.values():
            trial.process.join()
        self.running.clear()

    def _finish(self, trial: Running) -> Iterator[tuple[Job, Event]]:
        trial.process.join()
        trial.life.close()
        trial.events.close()
        del self.running[trial.job.id]
        code = trial.process.exitcode
        if not trial.ended:
            how = f"ended early with exit code {code}"
            if code is not None and code < 0:
                how = f"killed by signal {signal.Signals(-code).name}"
            yield trial.job, {"event": "failed", "reason": how}


def _send(process: BaseProcess, number: int) -> None:
    # it may end while it is being looked at
    with contextlib.suppress(ProcessLookupError):
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, number)
