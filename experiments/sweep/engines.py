"""The engine that a command asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal

from experiments.sweep.engine import Engine
from experiments.sweep.local import LocalEngine
from experiments.sweep.machine import require_slots, slots
from experiments.training.loggers import MissingExtra

Name = Literal["local", "ray"]


def engine_maker(
    name: Name, address: str | None, full: Mapping[str, Any], specs: Iterable[Mapping[str, Any]]
) -> Callable[[], Engine]:
    """What makes the engine when there is something to train.

    full: the spec of the sweep. specs: of its trials. Raises SpecError for a trial that takes more than this machine
    has, MissingExtra where Ray is not installed.
    """
    if name == "ray":
        if find_spec("ray") is None:
            raise MissingExtra("engine: ray is not installed: pip install 'swapformer[ray]'")
        from experiments.sweep.ray_engine import RayEngine

        return partial(RayEngine, full["sweep"]["workers"], address)
    workers, gpus = slots(full)
    require_slots(specs, workers, "GPUs here, or sweep.workers" if gpus else "cores here, or sweep.workers")
    return partial(LocalEngine, workers, gpus)
