"""Which models are profiled: a spec, or its variants along some axes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.results.plan import LeftOut
from experiments.sweep.labels import labels_of
from registry.catalog import Catalog
from registry.errors import Problem, SpecError
from registry.load import Incompatible, Loaded

Full = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """A model to profile. values: path of an axis -> label of its value. model: the full block, sizes filled in."""

    label: str
    values: Mapping[str, str]
    model: Mapping[str, Any]


def subjects(
    loaded: Loaded, axes: Mapping[str, Sequence[Any]], longest: int, sized: Callable[[Full, Catalog], Full]
) -> tuple[list[Subject], list[LeftOut]]:
    """The spec along the axes, every combination of their values; those that cannot work are left out with the reason.

    sized: fills in the sizes that only data know. Positions that are counted are given `longest` of them.
    Raises SpecError for a value that is wrong in itself or given twice, or where nothing is left.
    """
    found, left_out = [], []
    taken: set[str] = set()
    labels = {path: labels_of(values) for path, values in axes.items()}
    for numbers in itertools.product(*(range(len(values)) for values in axes.values())):
        picked = [axes[path][number] for path, number in zip(axes, numbers, strict=True)]
        values = {path: labels[path][number] for path, number in zip(axes, numbers, strict=True)}
        label = " / ".join(values.values()) or str(loaded.full["name"] or loaded.full["model"]["topology"])
        if label in taken:
            # the figures of one would be taken for those of the other
            raise SpecError([Problem("--axes", f"[{label}] would be the label of two models")])
        taken.add(label)
        try:
            variant = loaded.variant(list(zip(axes, picked, strict=True)), f"--axes [{label}]") if axes else loaded
        except Incompatible as error:
            left_out.append(LeftOut(label, values, "; ".join(problem.message for problem in error.problems)))
            continue
        # lengths are the profile's own: the data's do not bind it
        full = {**variant.full, "model": roomy(variant.full["model"], longest)}
        found.append(Subject(label, values, sized(full, loaded.catalog)["model"]))
    if not found:
        raise SpecError([problem for item in left_out for problem in _problems(item)])
    return found, left_out


def roomy(block: Any, longest: int) -> Any:
    """A model block in which every position scheme that counts its places has at least `longest` of them."""
    if isinstance(block, list):
        return [roomy(item, longest) for item in block]
    if not isinstance(block, Mapping):
        return block
    grown = {key: roomy(value, longest) for key, value in block.items()}
    position = grown.get("position")
    if isinstance(position, Mapping) and isinstance(position.get("length"), int):
        grown["position"] = {**position, "length": max(position["length"], longest)}
    return grown


def _problems(item: LeftOut) -> list[Problem]:
    return [Problem("--axes", f"[{item.label}] {item.reason}")]
