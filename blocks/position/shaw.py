"""Relative positions as learned vectors."""

from __future__ import annotations

import torch
from einops import einsum, repeat
from torch import Tensor

from blocks.coords import Coords
from blocks.linear import Table
from blocks.position.base import Position
from registry import part
from registry.types import PositiveInt


@part("position", "shaw", paper="Shaw et al. 2018, arXiv 1803.02155, sections 3.1 and 3.2")
class Shaw(Position):
    """Adds to each key, and to each value, a learned vector for the clipped distance: q.(k + aK), sum w (v + aV).

    Tables are shared by the heads, not by the layers. clip: distances beyond it share a vector.
    values: whether aV exists.
    """

    shared = False

    def __init__(self, head_dim: int, *, clip: PositiveInt = 16, values: bool = True) -> None:
        super().__init__()
        self.clip = clip
        self.keys = Table(2 * clip + 1, head_dim, role="position")
        self.values = Table(2 * clip + 1, head_dim, role="position") if values else None

    def content_bias(self, q: Tensor, k: Tensor, q_at: Coords, k_at: Coords, allowed: Tensor | None) -> Tensor:
        by_distance = einsum(q, self.keys.weight, "b h q d, r d -> b h q r")
        rows = self._rows(q_at, k_at)
        return by_distance.gather(-1, repeat(rows, "b q k -> (b z) h q k", h=q.shape[1], z=q.shape[0] // rows.shape[0]))

    def content_value(self, weights: Tensor, q_at: Coords, k_at: Coords) -> Tensor | None:
        if self.values is None:
            return None
        rows = self._rows(q_at, k_at)
        rows = repeat(rows, "b q k -> (b z) h q k", h=weights.shape[1], z=len(weights) // len(rows))
        by_distance = weights.new_zeros(*weights.shape[:-1], 2 * self.clip + 1).scatter_add(-1, rows, weights)
        return einsum(by_distance, self.values.weight, "b h q r, r d -> b h q d")

    def _rows(self, q_at: Coords, k_at: Coords) -> Tensor:
        """Row of the tables for each pair. [b|1 q k]."""
        ahead = k_at.keys().pos - q_at.queries().pos
        return torch.clamp(ahead, -self.clip, self.clip) + self.clip
