"""What trials can run on: the slots of this machine, and how many of them a trial takes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from experiments.provenance import cores
from registry.errors import Problem, SpecError


def slots(full: Mapping[str, Any]) -> tuple[int, tuple[str, ...]]:
    """How many trials go on at a time, and the GPU of each: one a GPU, or one a core where none is used.

    `sweep.workers` decides how many, as far as there are GPUs for them.
    """
    on_gpus = full["trainer"]["accelerator"] in ("auto", "gpu", "cuda")
    names = gpus() if on_gpus else ()
    workers = full["sweep"]["workers"] or len(names) or cores()
    return (min(workers, len(names)), names[:workers]) if names else (workers, ())


def gpus() -> tuple[str, ...]:
    """The CUDA devices that this process may use, by the names that CUDA_VISIBLE_DEVICES takes; () without any."""
    # asked the usual way CUDA would start here, and be broken in every process that is forked
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [name.strip() for name in chosen.split(",")] if chosen else list(map(str, range(count)))
    return tuple(names[:count])


def devices(spec: Mapping[str, Any]) -> int:
    """How many slots a trial takes."""
    found = spec["trainer"]["devices"]
    return found if isinstance(found, int) else 1


def require_slots(specs: Iterable[Mapping[str, Any]], slots: int, of: str) -> None:
    """Raises SpecError if a trial takes more slots than there are. of: what the slots are, for the message."""
    most = max((devices(spec) for spec in specs), default=1)
    if most > slots:
        fault = f"asks for {most}, but all that a trial can have is {slots} ({of})"
        raise SpecError([Problem("trainer.devices", fault)])
