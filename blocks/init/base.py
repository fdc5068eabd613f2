"""The init family: the weights a model starts from, by the role of each matrix and table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from blocks.depth import Stream
from blocks.linear import Linear, Role, Table


@dataclass(frozen=True)
class Site:
    """Where a weight stands. branches: residual additions in its stack; depths of 0 mean: no such stack."""

    dim: int
    head_dim: int
    branches: int
    stream: Stream
    encoder_layers: int
    decoder_layers: int


class Init(nn.Module):
    """Fills each weight by its role. Biases start at 0, norms keep their own neutral start."""

    family: ClassVar[str] = "init"

    def __init__(self) -> None:
        super().__init__()

    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        """weight: [outputs inputs] of a matrix, or [rows width] of a table, filled in place."""
        raise NotImplementedError


def draw_seed() -> int:
    """One number from the current random stream, to be drawn before a model's parts are built."""
    return int(torch.randint(2**62, (), device="cpu"))


@torch.no_grad()
def initialise(module: nn.Module, init: Init, site: Site, *, seed: int, place: str = "") -> None:
    """Fill the weights of every matrix and table inside `module`, which stands at `place` in its model.

    Each weight has a random stream of its own, told by the seed and its place: two variants with one seed start from
    the same weights wherever they have the same matrices. Convolutions start as torch starts them.
    """
    for name, inner in module.named_modules():
        if isinstance(inner, Linear | Table):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(_mix(seed, f"{place}.{name}"))
                init.fill(inner.weight, inner.role, site)
            if isinstance(inner, Linear) and inner.bias is not None:
                inner.bias.zero_()
        elif isinstance(inner, nn.Conv1d | nn.Conv2d):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(_mix(seed, f"{place}.{name}"))
                inner.reset_parameters()


def _mix(seed: int, place: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {place}".encode()).digest()[:7], "big")


def is_table(role: Role) -> bool:
    """Whether rows are looked up rather than multiplied."""
    return role in ("embedding", "position")
