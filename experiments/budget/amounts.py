"""How much of what is held equal a spec needs: counted on the meta device, or timed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import torch

from experiments.budget.timing import Timings
from experiments.budget.words import Hold
from experiments.data import Data
from experiments.making import filled, make_data
from experiments.step_memory import step_memory
from experiments.training_cost import flops_per_step, tokens_per_step, training_steps
from registry.assembly import assemble_block
from registry.catalog import Catalog
from registry.errors import Problem, SpecError

Full = Mapping[str, Any]


class Amounts:
    """The amounts of full specs; what has been found once is kept, for variants share models and steps share costs."""

    def __init__(self, hold: Hold, catalog: Catalog, timings: Timings) -> None:
        self._hold = hold
        self._catalog = catalog
        self._timings = timings
        self._known: dict[str, float] = {}
        self._data: dict[str, Data] = {}

    def of(self, full: Full, label: str) -> float:
        """The amount that a full spec needs. Raises SpecError where its model cannot be built or run.

        label: of the variant, for what is told while steps are timed.
        """
        if full["data"] is None:
            if self._hold != "parameters":
                raise SpecError([Problem("", f"to hold {self._hold}, the spec needs `data:`")])
            return self._model(full)
        data = self._data_of(full)
        full = filled(full, data)
        match self._hold:
            case "parameters":
                return self._model(full)
            case "tokens":
                return tokens_per_step(full, data) * training_steps(full, data)
            case "flops":
                return self._kept(full, lambda: flops_per_step(full, data, self._catalog)) * training_steps(full, data)
            case "memory":
                rows, length = data.batch_size, data.positions(full["model"])
                return self._kept(full, lambda: step_memory(full, self._catalog, rows, length).total)
            case "time":
                return self._timings.seconds_per_step(full, self._catalog, label) * training_steps(full, data)

    def steps(self, full: Full) -> int | None:
        """The optimizer steps that a full spec asks for; None where it has no data to count passes over."""
        return None if full["data"] is None else training_steps(full, self._data_of(full))

    def _model(self, full: Full) -> float:
        def count() -> float:
            with torch.device("meta"):
                model = assemble_block(full["model"], self._catalog)
            return sum(parameter.numel() for parameter in model.parameters())

        return self._kept({"model": full["model"]}, count)

    def _kept(self, full: Full, count: Callable[[], float]) -> float:
        """What `count` says, which depends on the model, its data and optimizer, and the trainer but for its steps."""
        parts = {name: full[name] for name in ("model", "data", "task", "optimizer") if name in full}
        trainer = {name: (full.get("trainer") or {}).get(name) for name in ("accumulate_grad_batches", "precision")}
        key = json.dumps([parts, trainer], sort_keys=True)
        if key not in self._known:
            self._known[key] = _counted(count)
        return self._known[key]

    def _data_of(self, full: Full) -> Data:
        key = json.dumps([full["data"], full["seed"]], sort_keys=True)
        if key not in self._data:
            self._data[key] = make_data(full, self._catalog)
        return self._data[key]


def _counted(count: Callable[[], float]) -> float:
    """What a count says. Raises SpecError for whatever a model or an optimizer raises without numbers to compute on."""
    try:
        return count()
    except SpecError:
        raise
    except Exception as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise SpecError([Problem("model", f"cannot be counted: {words}")]) from error
