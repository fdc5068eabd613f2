"""Position schemes with one mistake each."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from blocks.coords import Coords
from blocks.position import Position
from blocks.position.base import Role


def wave(at: Coords, like: Tensor) -> Tensor:
    """[b n]."""
    return torch.sin(0.9 * at.pos.to(like.dtype))


class Adds(Position):
    """Right: adds a wave to the stream."""

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        return x + wave(at, x).unsqueeze(-1)


class Biases(Position):
    """Right: an absolute bias."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(heads))

    def shape(self, distance: Tensor) -> Tensor:
        return torch.sin(distance.to(self.weight.dtype)).unsqueeze(1) * self.weight.view(
            -1, *[1] * (distance.dim() - 1)
        )

    def bias(self, q: Coords, k: Coords) -> Tensor:
        return self.shape(q.pos - 0.5 * k.pos)


class ForgottenHook(Biases):
    """Says by hand that it has no hooks."""


ForgottenHook.hooks = frozenset()


class DeadHook(Position):
    def bias(self, q: Coords, k: Coords) -> Tensor:
        return torch.zeros_like((q.pos - k.pos).unsqueeze(1), dtype=torch.float64)


class CountsFromLength(Position):
    def rotate(self, t: Tensor, at: Coords, role: Role) -> Tensor:
        steps = torch.arange(t.shape[2], dtype=t.dtype, device=t.device).view(1, 1, -1, 1)
        return t * (1 + torch.sin(steps + 0.1 * at.pos.sum()))


class CountsPadding(Position):
    def embed(self, x: Tensor, at: Coords) -> Tensor:
        return x + wave(replace(at, pos=at.index), x).unsqueeze(-1) + 0.1 * wave(at, x).unsqueeze(-1)


class ForgetsStart(Position):
    """Its bias counts from the first query that it is asked about."""

    def bias(self, q: Coords, k: Coords) -> Tensor:
        return torch.sin((q.pos - q.pos.min() + k.pos).double()).unsqueeze(1)


class OnlyMatrices(Biases):
    """Knows no other layout of coordinates than the whole matrix."""

    def bias(self, q: Coords, k: Coords) -> Tensor:
        distance = self.shape(q.pos - 0.5 * k.pos)
        return distance if distance.dim() == 4 else torch.zeros_like(distance)


class CallsItselfRelative(Biases):
    relative = True


class FirstRowOnly(Position):
    def embed(self, x: Tensor, at: Coords) -> Tensor:
        return x + wave(at, x).unsqueeze(-1) * (1 + len(at.pos))


class AddsInEveryLayer(Adds):
    shared = False


class Float32Angles(Position):
    def embed(self, x: Tensor, at: Coords) -> Tensor:
        return (x.float() + wave(at, x).float().unsqueeze(-1)).to(x.dtype)


class Float32Outside(Position):
    def embed(self, x: Tensor, at: Coords) -> Tensor:
        return (x + wave(at, x).unsqueeze(-1)).float()


class UnusedTable(Adds):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.ones(dim))


class Random(Adds):
    def embed(self, x: Tensor, at: Coords) -> Tensor:
        return super().embed(x, at) + torch.rand(())


class ForgetsState(Adds):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.wide = torch.rand(dim)

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        return x + wave(at, x).unsqueeze(-1) * self.wide.to(x)


class AsksForNumbers(Adds):
    def embed(self, x: Tensor, at: Coords) -> Tensor:
        assert int(at.pos.max()) < 10**6
        return super().embed(x, at)


BUGS: list[tuple[str, type, str]] = [
    ("position", ForgottenHook, "hooks are the methods that it overrides, and they act"),
    ("position", DeadHook, "hooks are the methods that it overrides, and they act"),
    ("position", CountsFromLength, "sees coordinates, not lengths: left padding and packed documents"),
    ("position", CountsPadding, "sees coordinates, not lengths: left padding and packed documents"),
    ("position", ForgetsStart, "a piece of the queries is the same piece of the whole"),
    ("position", OnlyMatrices, "a bias is elementwise on any shape of coordinates"),
    ("position", CallsItselfRelative, "a relative scheme does not see a shift"),
    ("position", FirstRowOnly, "coordinates of one row serve a whole batch"),
    ("position", AddsInEveryLayer, "what it adds to the stream is added once"),
    ("position", Float32Angles, "float64 stays float64"),
    ("position", Float32Outside, "dtype follows parameters and inputs"),
    ("position", UnusedTable, "finite gradients reach every parameter"),
    ("position", Random, "evaluation has no chance in it and leaves inputs alone"),
    ("position", ForgetsState, "saves and loads"),
    ("position", AsksForNumbers, "runs on the meta device"),
]
