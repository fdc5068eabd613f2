"""Position schemes made for checking: each has one hook, and every position matters to it absolutely."""

from __future__ import annotations

import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.position import Position
from blocks.position.base import Role


class MarkProbe(Position):
    """Adds a wave of the position to what queries and keys are made of, another for each."""

    def mark(self, x: Tensor, at: Coords, role: Role) -> Tensor:
        wave = torch.sin(0.6 * at.pos.to(x.dtype) + (0.0 if role == "query" else 1.0))
        return x + wave.unsqueeze(-1) * torch.linspace(-1, 1, x.shape[-1]).to(x)


class RotateProbe(Position):
    """Scales queries and keys by a wave of the position."""

    def rotate(self, t: Tensor, at: Coords, role: Role) -> Tensor:
        wave = torch.sin(0.7 * at.pos.to(t.dtype) + (0.0 if role == "query" else 1.0))
        return t * (1 + 0.5 * wave[:, None, :, None])


class BiasProbe(Position):
    """Adds a wave of both positions to the scores, another for each head."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def bias(self, q: Coords, k: Coords) -> Tensor:
        wave = 0.9 * q.pos.double() - 0.4 * k.pos.double()
        return torch.stack([torch.sin(wave + head) for head in range(self.heads)], dim=1)


class ContentBiasProbe(Position):
    """Adds the query's sum times a wave of both positions to the products."""

    def content_bias(self, q: Tensor, k: Tensor, q_at: Coords, k_at: Coords, allowed: Tensor | None) -> Tensor:
        wave = 0.5 * q_at.queries().pos.to(q.dtype) + 0.8 * k_at.keys().pos.to(q.dtype)
        return q.sum(-1, keepdim=True) * torch.sin(wave).unsqueeze(1)


class ContentValueProbe(Position):
    """Adds the weighted sum of a wave of both positions to the output."""

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        self.head_dim = head_dim

    def content_value(self, weights: Tensor, q_at: Coords, k_at: Coords) -> Tensor:
        wave = 0.3 * q_at.queries().pos.to(weights.dtype) + 0.6 * k_at.keys().pos.to(weights.dtype)
        total = (weights * torch.sin(wave).unsqueeze(1)).sum(-1, keepdim=True)
        return total.expand(*total.shape[:-1], self.head_dim)


HOOKS = ("mark", "rotate", "bias", "content_bias", "content_value")


def probe(hook: str, heads: int, head_dim: int) -> Position:
    """A scheme that has just this hook."""
    made: dict[str, Position] = {
        "mark": MarkProbe(),
        "rotate": RotateProbe(),
        "bias": BiasProbe(heads),
        "content_bias": ContentBiasProbe(),
        "content_value": ContentValueProbe(head_dim),
    }
    return made[hook]
