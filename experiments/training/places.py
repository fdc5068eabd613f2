"""How many processes train together, and which of them this one is, if it was started as one of several."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from pytorch_lightning.accelerators import AcceleratorRegistry

from registry.errors import Problem, SpecError


@dataclass(frozen=True)
class Place:
    """One of `world` processes. local: its number on its machine; node: that of the machine.

    address, port: where the first process can be reached by the others.
    """

    rank: int
    world: int
    local: int
    node: int
    address: str
    port: int


def outside(trainer: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Place | None:
    """The place that torchrun or srun gave this process; None where nobody started others like it.

    trainer: the `trainer:` block of the spec. Raises SpecError where it asks for another number of processes.

    Slurm is looked at only where the spec asks for several processes: a job of many tasks may as well train as many
    specs. Its variables stand in batch scripts and interactive shells too, those of a step only under srun.
    """
    if "TORCHELASTIC_RUN_ID" in environment:
        rank, world, local = (int(environment[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
        port, node = int(environment["MASTER_PORT"]), int(environment.get("GROUP_RANK", 0))
        place = Place(rank, world, local, node, environment["MASTER_ADDR"], port)
        return _agreeing(place, trainer, "torchrun")
    steps = int(environment.get("SLURM_STEP_NUM_TASKS", 1))
    if steps == 1 or _wanted(trainer) == 1:
        return None
    rank, local, node = (int(environment[f"SLURM_{name}"]) for name in ("PROCID", "LOCALID", "NODEID"))
    address = environment.get("MASTER_ADDR") or SLURMEnvironment.resolve_root_node_address(
        environment.get("SLURM_STEP_NODELIST") or environment.get("SLURM_NODELIST", "127.0.0.1")
    )
    # the same for every task of a step, and another for the step beside it
    number = int(environment["SLURM_JOB_ID"]) * 31 + int(environment.get("SLURM_STEP_ID", 0))
    port = int(environment.get("MASTER_PORT", 15000 + number % 10000))
    return _agreeing(Place(rank, steps, local, node, address, port), trainer, "srun")


def world_of(trainer: Mapping[str, Any], place: Place | None) -> int:
    """How many processes train together. Raises SpecError where nobody started those on other machines."""
    if place is not None:
        return place.world
    if _nodes(trainer) > 1:
        how = "only torchrun or srun start processes on several machines, as docs/cluster.md shows"
        raise SpecError([Problem("trainer.num_nodes", f"is {_nodes(trainer)}: {how}")])
    devices = trainer.get("devices", 1)
    return _found(trainer) if devices == "auto" else int(devices)


def together_arguments(trainer: Mapping[str, Any], world: int) -> dict[str, Any]:
    """What Lightning's Trainer is told of the devices and the strategy.

    Plain ddp sorts the gradients anew after its first step, so that a resumed training of more than two processes adds
    them up in another order than an uninterrupted one; it does not where it looks for unused weights.
    """
    strategy = trainer.get("strategy", "auto")
    if world > 1 and strategy == "auto":
        strategy = "ddp_find_unused_parameters_true"
    return {"devices": world // _nodes(trainer), "num_nodes": _nodes(trainer), "strategy": strategy}


class Known(ClusterEnvironment):
    """Tells Lightning of a place that is known already, so that it neither guesses nor starts anything."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return self._place.address

    @property
    def main_port(self) -> int:
        return self._place.port

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self._place.world

    def set_world_size(self, size: int) -> None:
        pass

    def global_rank(self) -> int:
        return self._place.rank

    def set_global_rank(self, rank: int) -> None:
        pass

    def local_rank(self) -> int:
        return self._place.local

    def node_rank(self) -> int:
        return self._place.node


def _wanted(trainer: Mapping[str, Any]) -> int | None:
    """How many processes the spec asks for; None where it leaves that open."""
    devices = trainer.get("devices", 1)
    return None if devices == "auto" else int(devices) * _nodes(trainer)


def _agreeing(place: Place, trainer: Mapping[str, Any], starter: str) -> Place:
    wanted, nodes = _wanted(trainer), _nodes(trainer)
    if wanted is None and place.world % nodes == 0:
        return place
    if wanted != place.world:
        devices = trainer.get("devices", 1)
        words = f"is {devices} on {nodes} node{'s' * (nodes > 1)}, but {starter} started {place.world} processes"
        raise SpecError([Problem("trainer.devices", words)])
    return place


def _found(trainer: Mapping[str, Any]) -> int:
    """How many devices of the kind that is asked for there are."""
    wanted = trainer.get("accelerator", "auto")
    kinds = ["cuda", "mps", "cpu"] if wanted == "auto" else ["cuda" if wanted == "gpu" else wanted]
    for name in kinds:
        kind = AcceleratorRegistry.get(name)
        if kind.is_available():
            return int(kind.auto_device_count())
    raise SpecError([Problem("trainer.accelerator", f"there is no {wanted} here")])


def _nodes(trainer: Mapping[str, Any]) -> int:
    return int(trainer.get("num_nodes") or 1)
