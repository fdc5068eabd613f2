"""Attention weights as text that a page can carry, and back.

A weight becomes a whole number from -32767 to 32767 beside a scale, the largest weight but at least 1: what comes back
is within scale / 65534 of what went in, a tiny weight within twice that. Only an exact zero becomes 0, so that a key
that was invisible stays apart from one that was hardly looked at. All high bytes come first, then all low ones; zlib
packs both, base64 writes them.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STEPS = 32767


@dataclass(frozen=True)
class Packed:
    """text: the whole numbers; a weight is number / STEPS * scale."""

    text: str
    scale: float


def pack(weights: np.ndarray) -> Packed:
    """weights: [h q k], finite. Raises ValueError for others."""
    if not np.isfinite(weights).all():
        raise ValueError("attention weights that are not finite cannot be packed")
    exact = weights.astype(np.float64)
    scale = max(1.0, float(np.abs(exact).max(initial=0.0)))
    numbers = np.rint(exact / scale * STEPS)
    numbers = np.where((exact != 0) & (numbers == 0), np.sign(exact), numbers).astype(np.int16).ravel()
    planes = (numbers >> 8).astype(np.int8).tobytes() + (numbers & 255).astype(np.uint8).tobytes()
    return Packed(base64.b64encode(zlib.compress(planes)).decode("ascii"), scale)


def unpack(packed: Packed, shape: Sequence[int]) -> np.ndarray:
    """The weights behind `pack`, float64 of this shape; what the page computes."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(packed.text)), np.uint8).reshape(2, -1)
    numbers = planes[0].view(np.int8).astype(np.int16) * 256 + planes[1]
    return (numbers / STEPS * packed.scale).reshape(shape)
