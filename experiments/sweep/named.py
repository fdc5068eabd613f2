"""Variants that a spec lists by name, beside the combinations or instead of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.sweep.axes import Factor
from experiments.sweep.combinations import Combination
from experiments.sweep.labels import same
from registry.errors import Path

ONLY_AXIS = "variant"
"""What tells variants apart where there are no axes."""


def named_combinations(variants: Mapping[str, Mapping[str, Any]], factors: Mapping[str, Factor]) -> list[Combination]:
    """The variants as combinations: their names are their labels; an axis that they do not set has no label."""
    return [_named(name, settings, factors) for name, settings in variants.items()]


def axes_of(factors: Sequence[Factor], names: Sequence[str]) -> dict[str, list[str]]:
    """Path of each axis -> the labels of its values, in order, each once; where there is none, one of the names."""
    found = {path: list(dict.fromkeys(labels)) for factor in factors for path, labels in factor.labels.items()}
    return found or {ONLY_AXIS: list(names)}


def _named(name: str, settings: Mapping[str, Any], factors: Mapping[str, Factor]) -> Combination:
    steps = {p: step for p, v in settings.items() if p in factors and (step := _step(factors[p], p, v)) is not None}
    values = {p: f.label(p, settings[p]) if p in settings else "" for p, f in factors.items()} or {ONLY_AXIS: name}
    origins: dict[str, Path] = {path: ("sweep", "variants", name, path) for path in settings}
    return Combination(name, values, tuple(settings.items()), steps, origins)


def _step(factor: Factor, path: str, value: Any) -> int | None:
    return next((i for i, other in enumerate(factor.values[path]) if same(other, value)), None)
