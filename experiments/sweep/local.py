"""The engine of this machine: a fresh process for each trial, forked from a server that has everything imported."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from experiments.sweep.engine import ENDS, EngineFailed, Event, Job
from experiments.sweep.memory import oom_kills
from experiments.sweep.parent import VARIABLE as PARENT
from experiments.sweep.worker import Body, train, work

_STARTS = 3
"""How often the start of a trial is tried; the server of processes may be killed at any moment, and is restarted."""


@dataclass
class Running:
    """A trial in progress.

    ready: whether its process is far enough that a signal is not lost. orphan: whether the server that it was forked
    from is gone, so that only its pipe tells when it ends. ended: the end that it told itself, or was given by us.
    signals: how many were passed on to it.
    """

    job: Job
    process: BaseProcess
    events: Connection
    life: Connection
    gpus: list[str]
    deadline: float | None
    ready: bool = False
    orphan: bool = False
    ended: Event | None = None
    signals: int = 0

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid


@dataclass
class LocalEngine:
    """Trials as processes of this machine, each with one thread.

    Nothing survives the coordinator: its end closes the pipe that each trial watches.

    workers: how many slots there are. gpus: if there are any, each slot is one of these, by the name that CUDA has for
    it. body: what is done for a job.
    """

    workers: int
    gpus: Sequence[str] = ()
    body: Body = train
    running: dict[str, Running] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # one thread a trial: trials side by side would only get into each other's way
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        # asked the usual way whether there are GPUs, CUDA would start in the server and be broken in what it forks
        os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
        os.environ[PARENT] = str(os.getpid())
        self._killed = oom_kills()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["experiments.sweep.warm"])
        multiprocessing.forkserver.ensure_running()

    @property
    def slots(self) -> int:
        return min(self.workers, len(self.gpus)) if self.gpus else self.workers

    @property
    def free(self) -> int:
        return self.slots - sum(trial.job.devices for trial in self.running.values())

    def start(self, job: Job) -> None:
        gpus = self._free_gpus()[: job.devices]
        events, their_events = self._context.Pipe(duplex=False)
        their_life, life = self._context.Pipe(duplex=False)
        arguments = (job, self.body, ",".join(gpus) if gpus else None, their_events, their_life)
        try:
            process = self._fork(arguments)
        except BaseException:
            events.close()
            life.close()
            raise
        finally:
            their_events.close()
            their_life.close()
        deadline = None if job.minutes is None else time.monotonic() + 60 * job.minutes
        self.running[job.id] = Running(job, process, events, life, gpus, deadline)

    def events(self, timeout: float) -> Iterator[tuple[Job, Event]]:
        watched: dict[Any, Running] = {trial.events: trial for trial in self.running.values()}
        # a process that its trial started may hold the pipe open
        watched |= {trial.process.sentinel: trial for trial in self.running.values() if not trial.orphan}
        # both may be ready for one trial
        spoke = {id(watched[found]): watched[found] for found in wait(list(watched), timeout)}
        for trial in spoke.values():
            yield from self._listen(trial)
        for trial in list(self.running.values()):
            if trial.deadline is not None and time.monotonic() > trial.deadline and trial.ended is None:
                trial.ended = {"event": "failed", "reason": f"timed out after {trial.job.minutes:g} min"}
                _kill(trial, signal.SIGKILL)

    def pass_on(self, signals: Sequence[int]) -> None:
        # a trial that is not ready gets them later: the server that it is forked from ignores Ctrl-C
        for trial in (t for t in self.running.values() if t.ready):
            for number in signals[trial.signals :]:
                # to the one that trains: it tells those that it started itself
                with contextlib.suppress(ProcessLookupError):
                    os.kill(trial.pid, number)
            trial.signals = len(signals)

    def close(self) -> None:
        for trial in self.running.values():
            _kill(trial, signal.SIGKILL)
        for trial in self.running.values():
            self._bury(trial)
        self.running.clear()

    def _fork(self, arguments: tuple[object, ...]) -> BaseProcess:
        for attempt in range(_STARTS):
            # not a daemon: those may not start processes, as training on several devices does
            process = self._context.Process(target=work, args=arguments)
            try:
                process.start()
            except (EOFError, OSError) as error:
                if attempt + 1 == _STARTS:
                    raise EngineFailed(
                        f"no process can be started for a trial: {error or type(error).__name__}"
                    ) from error
                continue
            return process
        raise AssertionError

    def _free_gpus(self) -> list[str]:
        taken = {gpu for trial in self.running.values() for gpu in trial.gpus}
        return [gpu for gpu in self.gpus if gpu not in taken]

    def _listen(self, trial: Running) -> Iterator[tuple[Job, Event]]:
        """All that a trial has said and, if it is gone, its end."""
        try:
            while trial.events.poll():
                event = trial.events.recv()
                trial.ready = True
                if event["event"] not in ENDS:
                    yield trial.job, event
                elif trial.ended is None:
                    trial.ended = event
        except (EOFError, OSError):
            yield from self._finish(trial)
            return
        if not trial.orphan and wait([trial.process.sentinel], 0):
            if _exists(trial.pid):
                trial.orphan = True
            else:
                yield from self._finish(trial)

    def _finish(self, trial: Running) -> Iterator[tuple[Job, Event]]:
        code = self._bury(trial)
        del self.running[trial.job.id]
        yield trial.job, trial.ended or self._wordless(trial, code)

    def _bury(self, trial: Running) -> int | None:
        """Wait for the end of a trial's process and of those that it started; its exit code, None if nobody knows."""
        trial.process.join(timeout=10)
        _kill(trial, signal.SIGKILL)
        code = None if trial.orphan else trial.process.exitcode
        trial.life.close()
        trial.events.close()
        with contextlib.suppress(ValueError):
            trial.process.close()
        return code

    def _wordless(self, trial: Running, code: int | None) -> Event:
        """How a trial ended that did not tell."""
        if code is None:
            return {"event": "lost", "reason": "ended without a word after the server of its process was killed"}
        if code >= 0:
            return {"event": "failed", "reason": f"ended without a result, with exit code {code}"}
        reason = f"killed by {signal.Signals(-code).name}"
        before, self._killed = self._killed, oom_kills()
        if code == -signal.SIGKILL and before is not None and self._killed is not None and self._killed > before:
            return {"event": "failed", "reason": "killed, probably out of memory", "oom": True}
        return {"event": "lost", "reason": reason}


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _kill(trial: Running, number: int) -> None:
    """A signal to all processes of a trial, in so far as there are any left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(trial.pid, number)
