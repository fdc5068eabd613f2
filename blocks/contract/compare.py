"""Comparing outputs: what is the same, and what depends on what."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from blocks.contract.check import demand

SAME = 1e-10
"""Two ways to compute the same float64 numbers may differ by this much of their size."""

MOVED = 1e-8
"""A dependence must move the output by this much of its size."""


def same(left: Tensor, right: Tensor, problem: str, tolerance: float = SAME) -> None:
    """Raise `Broken` unless both are finite, equally shaped and equal up to rounding."""
    demand(left.shape == right.shape, f"{problem}: shapes {tuple(left.shape)} and {tuple(right.shape)} differ")
    demand(left.isfinite().all() & right.isfinite().all(), f"{problem}: not all numbers are finite")
    if left.numel():
        gap, size = float((left - right).abs().max()), max(1.0, float(right.abs().max()))
        demand(gap <= tolerance * size, f"{problem}: they differ by {gap:.2g}")


def moved(left: Tensor, right: Tensor) -> Tensor:
    """Whether each vector differs by more than rounding can explain. [... m], [... m] -> [...]."""
    size = max(1.0, float(right.abs().max()))
    return (left - right).abs().amax(-1) > MOVED * size


def dependence(run: Callable[[Tensor], Tensor], x: Tensor, loudness: float = 1.0, threshold: float = MOVED) -> Tensor:
    """Which outputs change when one input token changes: bool [i j], output i on input j. x: [1 n m].

    All changes are tried in one batch, beside the unchanged row, so that both see the same rounding.
    """
    n = x.shape[1]
    rows = x.repeat(n + 1, 1, 1)
    each = torch.arange(n)
    rows[each, each] = loudness * (rows[each, each] + torch.randn_like(rows[each, each]))
    out = run(rows)
    base = out[n:]
    size = max(1.0, float(base.abs().max()))
    # not `>`: what is not a number is a change
    return ~((out[:n] - base).abs().amax(-1) <= threshold * size).T


def first(found: Tensor) -> tuple[int, ...]:
    """Where the first True stands."""
    return tuple(int(i) for i in found.nonzero()[0])
