"""Heads: splitting a projection into them, sharing keys and values between them, norms of queries and keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from blocks.norm import Norm
from registry import Build, build

Over: TypeAlias = Literal["head", "each_head", "projection"]


def split_width(dim: int, heads: int) -> int:
    """Width of a head. Raises ValueError unless the heads share the width evenly."""
    if heads < 1 or dim % heads:
        raise ValueError(f"a width of {dim} cannot be split into {heads} heads")
    return dim // heads


def biased(bias: bool | Sequence[str], projection: str) -> bool:
    """Whether a projection has a bias: all have one, none, or those that are named."""
    return bias if isinstance(bias, bool) else projection in bias


def split(t: Tensor, width: int) -> Tensor:
    """Heads of `width` each. t: [b n (h d)] -> [b h n d]."""
    return rearrange(t, "b n (h d) -> b h n d", d=width)


def share(t: Tensor, heads: int) -> Tensor:
    """Each key-value head serves the query heads that follow each other. t: [b g n d] -> [b h n d]."""
    groups = t.shape[1]
    return t if groups == heads else repeat(t, "b g n d -> b (g r) n d", r=heads // groups)


class HeadNorms(nn.Module):
    """A norm for each head, with weights of its own. t: [b h n d] -> [b h n d]."""

    def __init__(self, norm: Build[Norm], heads: int, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(build(norm, dim=width) for _ in range(heads))

    def forward(self, t: Tensor) -> Tensor:
        return torch.stack([norm(head) for norm, head in zip(self.norms, t.unbind(1), strict=True)], dim=1)


class WholeNorm(nn.Module):
    """One norm over all heads of a token together. t: [b h n d] -> [b h n d]."""

    def __init__(self, norm: Build[Norm], heads: int, width: int) -> None:
        super().__init__()
        self.norm = build(norm, dim=heads * width)
        self.width = width

    def forward(self, t: Tensor) -> Tensor:
        return split(self.norm(rearrange(t, "b h n d -> b n (h d)")), self.width)


def query_key_norm(norm: Build[Norm] | None, over: Over, heads: int, width: int) -> nn.Module | None:
    """A norm of queries or keys [b h n d]: over each head with shared weights, with its own, or over all together."""
    if norm is None:
        return None
    match over:
        case "head":
            return build(norm, dim=width)
        case "each_head":
            return HeadNorms(norm, heads, width)
        case "projection":
            return WholeNorm(norm, heads, width)
