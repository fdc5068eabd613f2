"""Adapters added to the weights beside which they were trained, so that nobody else needs to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from experiments.start.options import start_of

BASE, DOWN, UP = ".base_layer.", ".lora_A.default.weight", ".lora_B.default.weight"
"""How `peft` names what it wraps, and its two matrices."""


def merged(state: Mapping[str, Tensor], spec: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of a model without adapters: W + alpha / rank B A. spec: the full one that it was trained by."""
    start = start_of(spec)
    if start is None or start.lora is None:
        return dict(state)
    scale = start.lora.alpha / start.lora.rank
    found = {name.replace(BASE, "."): tensor for name, tensor in state.items() if ".lora_" not in name}
    for name in state:
        if name.endswith(DOWN):
            place = name.removesuffix(DOWN)
            weight = found[f"{place}.weight"]
            up, down = state[place + UP], state[name]
            found[f"{place}.weight"] = weight + scale * (up @ down).to(weight.dtype)
    return found
