"""From a model and what it reads to arrays: the attention weights of every layer and head."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor

from blocks.attention import Attention
from blocks.stack import Stack
from blocks.tap import Tap
from blocks.topology import Output, Topology
from registry.part import part_of

Name = Literal["encoder", "decoder", "cross"]


@dataclass(frozen=True)
class LayerMaps:
    """The maps of one layer's attention. layer: from 0, as in the names of the weights. kind: of the attention.

    heads: numbers of the heads, from 0. weights: float32 [h q k] of those heads, finite; a row of softmax attention
    sums to 1, or to 0 where nothing is visible. None where there are none to show, for the reason `why`.
    """

    layer: int
    kind: str
    heads: Sequence[int] = ()
    weights: np.ndarray | None = None
    why: str = ""


@dataclass(frozen=True)
class StackMaps:
    """The maps of one stack. "cross" are those of a decoder's attention to the encoder."""

    name: Name
    layers: Sequence[LayerMaps]


@dataclass(frozen=True)
class Gathered:
    """What a model did with what it read. logits: of the head, [n v] for those that give tokens, else as they are."""

    stacks: Sequence[StackMaps]
    logits: Tensor


def gather(
    model: Topology,
    given: Mapping[str, Tensor],
    layers: Collection[int] | None = None,
    heads: Collection[int] | None = None,
) -> Gathered:
    """Run a model on one row, `given` being the arguments of `model.run`, and keep what its attention weighed.

    layers, heads: which of them, from 0; None for all. Raises ValueError where there is no such layer or head, for more
    than one row, and for a model in training mode; what the model itself raises for inputs that it cannot read.
    """
    if model.training:
        raise ValueError("the model is in training mode, with dropout at work: call model.eval() first")
    if any(len(value) != 1 for value in given.values()):
        raise ValueError("attention maps are made of one row at a time")
    wanted = list(_attentions(model))
    _require(layers, max(layer for _, layer, _ in wanted) + 1, "layer")
    _require(heads, max(attention.heads for _, _, attention in wanted), "head")
    tap = Tap(hidden=False)
    with torch.inference_mode():
        output: Output = cast(Any, model).run(**given, tap=tap)
    stacks: dict[Name, list[LayerMaps]] = {}
    for name, layer, attention in wanted:
        if layers is None or layer in layers:
            found = tap.cross.get(layer) if name == "cross" else tap.attention.get((name, layer))
            stacks.setdefault(name, []).append(_layer(layer, attention, found, heads))
    return Gathered([StackMaps(name, found) for name, found in stacks.items()], output.logits[0])


def _attentions(model: Topology) -> Iterator[tuple[Name, int, Attention]]:
    """Every attention of a model; the decoder's own before its attention to the encoder."""
    stacks = [stack for stack in model.children() if isinstance(stack, Stack)]
    for stack in stacks:
        yield from ((stack.plan.stream, number, layer.attention) for number, layer in enumerate(stack.layers))
    for stack in stacks:
        yield from (("cross", number, layer.cross) for number, layer in enumerate(stack.layers) if layer.cross)


def _layer(layer: int, attention: Attention, weights: Tensor | None, heads: Collection[int] | None) -> LayerMaps:
    kind = kind_of(attention)
    if weights is None:
        why = f"attention '{kind}' has no weights to show: it does not weigh each key for each query"
        return LayerMaps(layer, kind, why=why)
    if not bool(weights.isfinite().all()):
        return LayerMaps(layer, kind, why=f"the weights of attention '{kind}' are not finite numbers")
    numbers = [head for head in range(weights.shape[1]) if heads is None or head in heads]
    return LayerMaps(layer, kind, numbers, weights[0, numbers].float().cpu().numpy())


def kind_of(attention: Attention) -> str:
    """The name of an attention kind, or of the class of one that is not registered."""
    part = part_of(type(attention))
    return type(attention).__name__ if part is None else part.kind


def _require(asked: Collection[int] | None, count: int, noun: str) -> None:
    if wrong := [number for number in asked or () if not 0 <= number < count]:
        raise ValueError(f"there is no {noun} {wrong[0]}: the model has {count}, counted from 0")
