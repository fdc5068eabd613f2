"""The engine of several machines: a Ray cluster whose nodes all see the sweep's folder."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.sweep.engine import ENDS, EngineFailed, Event, Job
from experiments.sweep.local import LocalEngine
from experiments.sweep.stops import SIGNALS

POLL = 0.5
"""Seconds that a node waits for something to report before it answers."""


class Node:
    """What runs on a node: our local engine, in an actor of Ray, for one trial at a time.

    here: the coordinator's folder, from which the paths of data and plug-ins count.
    """

    def __init__(self, devices: int, here: Path) -> None:
        _require(here)
        os.chdir(here)
        gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        self.engine = LocalEngine(devices, [name for name in gpus.split(",") if name])

    def start(self, job: Job) -> list[Event]:
        """Start a trial. Raises FileNotFoundError where the sweep's folder is not to be seen."""
        _require(_sweep_of(job))
        self.engine.start(job)
        return []

    def poll(self, signals: Sequence[int]) -> list[Event]:
        """Pass signals on, and say what has happened."""
        self.engine.pass_on(signals)
        return [event for _, event in self.engine.events(POLL)]


@dataclass
class Running:
    """A trial in progress. answer: what its node will say next. placed: whether the node has said anything yet."""

    job: Job
    node: Any
    answer: Any
    placed: bool = False


class RayEngine:
    """Trials on the nodes of a Ray cluster. A node that is lost loses its trials, which go on elsewhere.

    Each slot is an actor that holds our local engine, so a trial runs in a process of its own there as it does here,
    and ends with the coordinator. The current folder and that of the runs must be on storage that all nodes share,
    under the same path, and the nodes must have this program.

    workers: how many slots to use; one for each CPU or GPU of the cluster unless given. address: of a running cluster;
    without one, Ray is started on this machine. Raises EngineFailed where the cluster cannot be reached.
    """

    def __init__(self, workers: int | None, address: str | None) -> None:
        self.workers = workers
        self.running: dict[str, Running] = {}
        self._idle: list[tuple[int, Any]] = []
        self._signals: list[int] = []
        self._checked: set[str] = set()
        self._ray = _connected(workers, address)
        self._unit = "GPU" if self._ray.cluster_resources().get("GPU") else "CPU"

    @property
    def slots(self) -> int:
        there = int(self._ray.cluster_resources().get(self._unit, 0))
        return there if self.workers is None else min(there, self.workers)

    @property
    def free(self) -> int:
        return self.slots - sum(trial.job.devices for trial in self.running.values())

    def start(self, job: Job) -> None:
        job = replace(job, folder=job.folder.resolve())
        self._check_storage(_sweep_of(job))
        node = self._node(job.devices)
        self.running[job.id] = Running(job, node, node.start.remote(job))

    def events(self, timeout: float) -> Iterator[tuple[Job, Event]]:
        self._use_idle_nodes()
        waiting = {trial.answer: trial for trial in self.running.values()}
        if not waiting:
            return
        ready, _ = self._ray.wait(list(waiting), num_returns=len(waiting), timeout=timeout)
        for answer in ready:
            yield from self._take(waiting[answer])

    def pass_on(self, signals: Sequence[int]) -> None:
        # they travel with the next question
        self._signals = list(signals)

    def close(self) -> None:
        for node in [trial.node for trial in self.running.values()] + [node for _, node in self._idle]:
            self._ray.kill(node)
        self.running.clear()
        self._idle.clear()
        self._ray.shutdown()

    def _take(self, trial: Running) -> Iterator[tuple[Job, Event]]:
        """What a node has answered; then it is asked again, unless its trial is over."""
        try:
            events: list[Event] = self._ray.get(trial.answer)
        except self._ray.exceptions.RayTaskError as error:
            yield from self._end(trial, {"event": "failed", "reason": str(error.cause or error).splitlines()[-1]})
            return
        except self._ray.exceptions.RayError as error:
            words = str(error).strip().splitlines()[0]
            yield from self._end(trial, {"event": "lost", "reason": f"its node was lost: {words}"}, alive=False)
            return
        trial.placed = True
        for event in events:
            if event["event"] in ENDS:
                yield from self._end(trial, event)
                return
            yield trial.job, event
        trial.answer = trial.node.poll.remote(self._signals)

    def _end(self, trial: Running, event: Event, *, alive: bool = True) -> Iterator[tuple[Job, Event]]:
        del self.running[trial.job.id]
        if alive:
            self._idle.append((trial.job.devices, trial.node))
        yield trial.job, event

    def _node(self, devices: int) -> Any:
        """An actor that takes so many devices: an idle one, which has everything imported, or a new one."""
        for number, (size, node) in enumerate(self._idle):
            if size == devices:
                del self._idle[number]
                return node
        while self._idle and sum(size for size, _ in self._idle) + devices > self.free:
            self._ray.kill(self._idle.pop()[1])
        on = {"num_gpus": devices} if self._unit == "GPU" else {"num_cpus": devices}
        # nothing is tried again behind our back: the coordinator knows what was saved
        actor = self._ray.remote(Node).options(max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD", **on)
        return actor.remote(devices, Path.cwd())

    def _use_idle_nodes(self) -> None:
        """Where a cluster has shrunk: let a trial that waits for a place have that of an actor with nothing to do."""
        taken = [trial.job.devices for trial in self.running.values()] + [size for size, _ in self._idle]
        excess = sum(taken) - int(self._ray.cluster_resources().get(self._unit, 0))
        for trial in [t for t in self.running.values() if not t.placed]:
            if excess <= 0 or not self._idle:
                return
            size, node = self._idle.pop()
            excess -= size
            if size == trial.job.devices:
                self._ray.kill(trial.node)
                trial.node, trial.answer = node, node.start.remote(trial.job)
            else:
                self._ray.kill(node)

    def _check_storage(self, folder: Path) -> None:
        """Raises EngineFailed unless every node sees the folder."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in self._ray.nodes() if node["Alive"]}
        asked = {}
        for name in nodes.keys() - self._checked:
            there = NodeAffinitySchedulingStrategy(name, soft=False)
            task = self._ray.remote(_require).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
            asked[name] = task.remote(folder)
        for name, answer in asked.items():
            try:
                self._ray.get(answer)
            except self._ray.exceptions.RayTaskError as error:
                raise EngineFailed(f"node {nodes[name]}: {error.cause or error}") from None
            except self._ray.exceptions.RayError:
                # a node that has just been lost
                continue
            self._checked.add(name)


def _sweep_of(job: Job) -> Path:
    """The folder of the sweep that a trial belongs to."""
    return job.folder.parents[1]


def _require(folder: Path) -> None:
    if not folder.exists():
        raise FileNotFoundError(f"{folder} is not to be seen there: it must be on storage that all nodes share")


def _connected(workers: int | None, address: str | None) -> Any:
    """Ray, connected to a cluster. Raises EngineFailed."""
    # since 2.52 a cluster asks for a token, which all its processes have to know of
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    # warnings of Ray about its own future
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray
    import ray.exceptions

    with _our_signals(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own: dict[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
        try:
            ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
        except Exception as error:
            where = f"the Ray cluster at {address}" if address else "Ray on this machine"
            raise EngineFailed(f"{where} cannot be reached: {str(error).strip().splitlines()[0]}") from error
    return ray


@contextmanager
def _our_signals() -> Iterator[None]:
    """Inside, Ray may take over signals; afterwards they are handled as before."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
