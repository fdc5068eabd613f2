"""Relative positions as fixed waves of the distance, seen through learned maps."""

from __future__ import annotations

import torch
from einops import einsum, rearrange
from torch import Tensor
from torch.nn import functional

from blocks.coords import Coords
from blocks.linear import Linear, Table
from blocks.position.base import Position
from blocks.position.sinusoidal import sinusoids
from registry import MultipleOf, part
from registry.types import PositiveInt, Probability


@part("position", "transformer_xl", paper="Dai et al. 2019, arXiv 1901.02860, section 3.3")
class TransformerXL(Position):
    """Adds u.k + (q + v).(W R) to each product q.k, before they are scaled together.

    R: sines, then cosines, of the distance query - key, which is negative for keys ahead; not learned. W: a matrix of
    each layer that makes keys of distances. u, v: a vector for each head, how much it looks at what a key holds and at
    where it stands.

    untie: u and v of its own for each layer; otherwise layers with the same heads share them (the paper).
    clamp: greater distances, on either side, count as this one (longer memories in evaluation, section 4).
    dropout: on R.
    """

    shared = False
    content: Table
    place: Table
    rules = (MultipleOf("dim", 2, "sines and cosines come in pairs"),)

    def __init__(
        self,
        dim: int,
        heads: int,
        head_dim: int,
        earlier: Position | None = None,
        *,
        untie: bool = False,
        clamp: PositiveInt | None = None,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        if dim % 2:
            raise ValueError(f"position 'transformer_xl' needs an even width, got {dim}")
        self.dim, self.heads, self.clamp, self.dropout = dim, heads, clamp, dropout
        self.key = Linear(dim, heads * head_dim, role="key", bias=False)
        if isinstance(earlier, TransformerXL) and not untie and earlier.content.weight.shape == (heads, head_dim):
            self.content, self.place = earlier.content, earlier.place
        else:
            # tables, [h d], so that they are initialised by their role
            self.content = Table(heads, head_dim, role="position")
            self.place = Table(heads, head_dim, role="position")

    def content_bias(self, q: Tensor, k: Tensor, q_at: Coords, k_at: Coords, allowed: Tensor | None) -> Tensor:
        rows, distances = self._distances(q_at, k_at, allowed)
        waves = sinusoids(distances.to(torch.promote_types(q.dtype, torch.float32)), self.dim, layout="halves")
        waves = functional.dropout(waves.to(q.dtype), self.dropout, self.training)
        keys = rearrange(self.key(waves), "r (h d) -> h r d", h=self.heads)
        by_distance = einsum(q + rearrange(self.place.weight, "h d -> h 1 d"), keys, "b h q d, h r d -> b h q r")
        by_key = einsum(k, self.content.weight, "b h k d, h d -> b h k")
        rows = rows.unsqueeze(1).expand(q.shape[0], self.heads, -1, -1)
        return rearrange(by_key, "b h k -> b h 1 k") + by_distance.gather(-1, rows)

    def _distances(self, q_at: Coords, k_at: Coords, allowed: Tensor | None) -> tuple[Tensor, Tensor]:
        """For each pair its row [b|1 q k] among the distances that occur, and these, [r]."""
        apart = q_at.queries().pos - k_at.keys().pos
        if allowed is not None:
            # only what is visible needs a row
            apart = torch.where(allowed, apart, 0)
        if self.clamp is not None:
            apart = apart.clamp(-self.clamp, self.clamp)
        if apart.is_meta:
            # a dry run has no numbers; as many distances as keys is what most calls come to
            return torch.zeros_like(apart), torch.arange(len(k_at), device=apart.device)
        first, last = (int(bound) for bound in apart.aminmax())
        return apart - first, torch.arange(first, last + 1, device=apart.device)
