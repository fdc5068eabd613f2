"""Layers with and without a sliding window, as config.json files list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.keys import layers_of, repeated

FULL, SLIDING = "full_attention", "sliding_attention"


def windowed(types: Sequence[str], attention: Mapping[str, Any], window: int | None) -> dict[str, Any]:
    """Our layers, attention and types of layers, where some attend within a window. types: FULL or SLIDING a layer."""
    if SLIDING not in types or window is None:
        return {"layers": len(types), "attention": attention}
    names = ["sliding" if one == SLIDING else "full" for one in types]
    local = {"attention": {**attention, "window": window}}
    return {"layers": repeated(names), "attention": attention, "layer_types": {"full": {}, "sliding": local}}


def types_of(model: Mapping[str, Any]) -> list[str]:
    """FULL or SLIDING for each layer of a full model block."""
    return [SLIDING if layer["attention"]["window"] else FULL for layer in layers_of(model)]


def window_of(model: Mapping[str, Any]) -> int | None:
    """The window of the layers that have one."""
    return next((w for layer in layers_of(model) if (w := layer["attention"]["window"])), None)
