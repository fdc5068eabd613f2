"""A model's computation as one graph, captured by torch.export."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from blocks.topology import Topology

Inputs = dict[str, Tensor]
CAPTURED = (3, 12)
"""Rows, and positions a row, of the inputs that a graph is captured with."""


class CannotExport(ValueError):
    """A model, or a part of it, that a graph cannot express. The message says which and why."""


class Said(nn.Module):
    """All that a model says to a mapping of its arguments: the logits, and what its head says beside them, by name."""

    def __init__(self, model: Topology) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Inputs) -> dict[str, Tensor]:
        """inputs: such as tokens [b n] and valid [b n]."""
        output = self.model.run(**inputs)  # type: ignore[operator]
        return {"logits": output.logits, **output.beside}


@dataclass(frozen=True)
class Captured:
    """A graph, and the axes of its inputs that may have any size: {"tokens": {0: "rows", 1: "length"}}."""

    program: torch.export.ExportedProgram
    free: Mapping[str, Mapping[int, str]]


def example_inputs(model: Topology, rows: int, length: int) -> Inputs:
    """Arguments of a call, drawn by a fixed seed; where tokens are read, the first row ends in padding."""
    given, random = model.example(rows, length), torch.Generator().manual_seed(rows * 1000 + length)
    found: Inputs = {}
    takes = inspect.signature(model.run).parameters  # type: ignore[arg-type]
    for name, value in given.items():
        order = torch.randperm(value.numel(), generator=random)
        # what an example holds is what may be there; another order of it is another input
        found[name] = value.flatten()[order].reshape(value.shape)
        mark = {"tokens": "valid", "source": "source_valid"}.get(name, "")
        if mark in takes and not value.is_floating_point() and value.shape[1:].numel() > 1:
            valid = torch.ones(value.shape[:2], dtype=torch.bool)
            valid[0, -(value.shape[1] // 4) :] = False
            found[mark] = valid
    return found


def capture(model: Topology, largest: int | None) -> Captured:
    """The graph of a model, with as many free axes as it allows: rows and length, rows, or none.

    largest: how many tokens the model's positions can tell apart, if there is a limit. Raises CannotExport.
    """
    rows, length = CAPTURED
    length = min(length, largest or length)
    inputs = example_inputs(model, rows, length)
    said, reason = Said(model), ""
    freedoms = _freedoms(inputs)
    for free in freedoms:
        try:
            program = _exported(said, inputs, free)
            if any(free.values()):
                _try(program, model, length if free is not freedoms[0] else max(1, length - 3))
        # torch.export raises whatever it meets on the way
        except Exception as error:
            reason = reason or _in_words(error)
            continue
        return Captured(program, free)
    raise CannotExport(reason)


def _freedoms(inputs: Inputs) -> list[dict[str, dict[int, str]]]:
    """What may be free, from most to least: rows and length, rows, nothing."""
    rows = {name: {0: "rows"} for name in inputs}
    lengths = {
        name: {0: "rows", 1: "source_length" if name.startswith("source") else "length"}
        for name, value in inputs.items()
        if not value.is_floating_point() and value.shape[1]
    }
    return [{**rows, **lengths}, rows, {name: {} for name in inputs}]


def _exported(said: Said, inputs: Inputs, free: Mapping[str, Mapping[int, str]]) -> torch.export.ExportedProgram:
    # AUTO settles for a fixed size where the model needs one, which shows when another one is tried
    shapes: dict[str, Any] = {
        "inputs": {name: dict.fromkeys(axes, torch.export.Dim.AUTO) for name, axes in free.items()}
    }
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(said, (inputs,), dynamic_shapes=shapes)


def _try(program: torch.export.ExportedProgram, model: Topology, length: int) -> None:
    """Raises what a graph raises on another number of rows, and of positions, than it was captured with."""
    with torch.no_grad():
        program.module()(example_inputs(model, CAPTURED[0] + 2, length))


def _in_words(error: Exception) -> str:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    if "data-dependent" in first or "GuardOnDataDependent" in type(error).__name__:
        return "what it computes depends on values of its inputs, which a graph cannot look at"
    return f"{type(error).__name__}: {first}"
