"""A forward pass as training makes it, on a model on the meta device: to count what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from experiments.measure import flops_of

Pass = Callable[[], Tensor]
"""Makes the logits of one batch."""


def carries(full: Mapping[str, Any]) -> bool:
    """Whether the batches of a full spec go on where the ones before ended, so that a memory of them can be used."""
    return bool((full["data"] or {}).get("order") == "contiguous")


def training_pass(model: Any, batch: int, length: int, *, carried: bool) -> Pass:
    """A pass over `batch` rows of `length` tokens.

    model: on the meta device. carried: read each batch as the one that follows; a model with a memory then has it full.
    """
    with torch.device("meta"):
        inputs = model.example(batch, length)
    if carried:
        # Lightning comes with it
        from experiments.tasks.carried import Carried

        reading = Carried(model)
        if reading.has_memory:
            # the answer of `all` is needed, which the meta device does not have
            follows = torch.ones(batch, dtype=torch.bool)
            _fill(lambda: reading.read(inputs["tokens"], follows))
            return lambda: reading.read(inputs["tokens"], follows)
    return lambda: model(**inputs)


def _fill(read: Pass) -> None:
    """Read on until a segment costs no more than the one before: then the memory is full."""
    before, now = -1, 0
    with torch.no_grad():
        while now > before:
            before, now = now, flops_of(read)
