"""Positions that are told to each layer anew instead of once at the input."""

from __future__ import annotations

from torch import Tensor

from blocks.coords import Coords
from blocks.position.base import Position, Role
from blocks.position.sinusoidal import Sinusoidal
from registry import Build, build, part


@part("position", "every_layer", paper="Carion et al. 2020 (DETR), arXiv 2005.12872, appendix A.3 and figure 10")
class EveryLayer(Position):
    """Adds what a scheme adds at the input to the vectors that queries and keys are made of, in each layer.

    Values and the stream itself carry no position. scheme: sinusoidal, learned, or another that acts at the input
    alone. Raises ValueError for a scheme that acts elsewhere.
    """

    def __init__(
        self, dim: int, heads: int, head_dim: int, causal: bool = False, *, scheme: Build[Position] = Sinusoidal
    ) -> None:
        super().__init__()
        self.scheme = build(scheme, dim=dim, heads=heads, head_dim=head_dim, causal=causal)
        if self.scheme.hooks:
            acts = ", ".join(sorted(self.scheme.hooks))
            raise ValueError(f"position 'every_layer' takes a scheme that acts at the input alone, not by {acts}")
        self.length, self.grid = self.scheme.length, self.scheme.grid

    def mark(self, x: Tensor, at: Coords, role: Role) -> Tensor:
        return self.scheme.embed(x, at)
