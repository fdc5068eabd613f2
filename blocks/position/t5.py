"""Learned biases for buckets of distances."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor

from blocks.coords import Coords
from blocks.linear import Table
from blocks.position.base import Position
from registry import MultipleOf, part
from registry.types import PositiveInt


def bucket(ahead: Tensor, *, causal: bool, buckets: int = 32, max_distance: int = 128) -> Tensor:
    """Bucket of the relative position `ahead` = key - query, int [...] -> int [...].

    Half of a direction's buckets hold one distance each, the rest grow logarithmically up to `max_distance`.
    Bidirectional: the upper half of the buckets is for keys ahead. Causal: all are for the past.
    """
    if causal:
        start, distance = torch.zeros_like(ahead), (-ahead).clamp(min=0)
    else:
        buckets //= 2
        start, distance = (ahead > 0).long() * buckets, ahead.abs()
    exact = buckets // 2
    # float64 agrees with exact integer arithmetic at the powers where a bucket begins
    growth = (distance.clamp(min=1).double() / exact).log() / math.log(max_distance / exact) * (buckets - exact)
    coarse = (exact + growth.long()).clamp(max=buckets - 1)
    return start + torch.where(distance < exact, distance, coarse)


@part("position", "t5", paper="Raffel et al. 2019, arXiv 1910.10683, section 2.1")
class T5(Position):
    """Adds to each score a learned number for its head and bucket of distances; one table for all layers of a stack.

    buckets: number of buckets, for both directions together. max_distance: all greater distances share a bucket.
    each_layer: a table for each layer instead (UMT5, arXiv 2304.09151).
    """

    relative = True
    rules = (MultipleOf("buckets", 4, "half of each direction's buckets are exact"),)

    def __init__(
        self,
        heads: int,
        causal: bool = False,
        *,
        buckets: PositiveInt = 32,
        max_distance: PositiveInt = 128,
        each_layer: bool = False,
    ) -> None:
        super().__init__()
        if max_distance <= buckets // 2:
            raise ValueError(f"position 't5': max_distance {max_distance} must exceed half of the {buckets} buckets")
        self.causal, self.buckets, self.max_distance = causal, buckets, max_distance
        self.shared = not each_layer
        self.table = Table(buckets, heads, role="position")

    def bias(self, q: Coords, k: Coords) -> Tensor:
        rows = bucket(k.pos - q.pos, causal=self.causal, buckets=self.buckets, max_distance=self.max_distance)
        return rearrange(self.table(rows), "b ... h -> b h ...")
