"""How many vectors an image becomes in a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def cells(embedding: Mapping[str, Any], height: int, width: int) -> int:
    """Of an embedding's full spec: the patches of an image, the cells of a backbone's map, or else its pixels."""
    side = 1
    if embedding.get("kind") == "patches":
        side = embedding["patch"]
    elif "backbone" in embedding:
        backbone = embedding["backbone"]
        stages = len(backbone.get("widths", ())) or 1
        # the stem makes a map of a quarter, every stage but the first halves it, the last one not if it is dilated
        side = 4 * 2 ** (stages - 1 - bool(backbone.get("dilation") and stages > 1))
    return math.ceil(height / side) * math.ceil(width / side)
