"""How a spec says which layers a stack has: a number, a list of names, or a repeated pattern."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from blocks.attention import Attention
from blocks.feedforward import FeedForward
from blocks.norm import Norm
from blocks.placement import Placement
from blocks.position import Position
from blocks.stack import LayerPlan
from registry import Build
from registry.types import KeyOf, PositiveInt

TypeName: TypeAlias = Annotated[str, KeyOf("layer_types")]


@dataclass(frozen=True)
class Pattern:
    """A pattern of layer types repeated until there are `count` layers."""

    count: PositiveInt
    pattern: list[TypeName]


@dataclass(frozen=True)
class LayerType:
    """What sets a named type of layer apart from the model's own; None: as the model has it.

    shared: all layers of the type are one layer, used again (ALBERT).
    """

    heads: PositiveInt | None = None
    attention: Build[Attention] | None = None
    position: Build[Position] | None = None
    norm: Build[Norm] | None = None
    placement: Build[Placement] | None = None
    feedforward: Build[FeedForward] | None = None
    shared: bool | None = None


Layers: TypeAlias = PositiveInt | list[TypeName] | Pattern


def plan_layers(layers: Layers, types: Mapping[str, LayerType], usual: LayerPlan) -> Sequence[LayerPlan]:
    """The plan of every layer, in order. Raises ValueError for an unknown type of layer or an empty list."""
    if isinstance(layers, int):
        return [usual] * layers
    names = layers if isinstance(layers, list) else layers.pattern
    if not names:
        raise ValueError("layers: the list of layer types is empty")
    if unknown := sorted(set(names) - set(types)):
        known = ", ".join(sorted(types)) or "none"
        raise ValueError(f"layers: unknown layer type {', '.join(unknown)}; layer_types declares: {known}")
    plans = {name: overridden(usual, types[name]) for name in names}
    count = len(names) if isinstance(layers, list) else layers.count
    return [plans[names[i % len(names)]] for i in range(count)]


def overridden(usual: LayerPlan, by: LayerType) -> LayerPlan:
    """`usual` with what `by` sets."""
    given = {f.name: getattr(by, f.name) for f in dataclasses.fields(LayerType)}
    return dataclasses.replace(usual, **{name: value for name, value in given.items() if value is not None})
