"""Each token by itself: what norms and feed-forward sublayers promise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from blocks.contract.check import Broken, check, demand
from blocks.contract.common import Feed, promise_common
from blocks.contract.compare import dependence, first, same
from blocks.contract.subject import Subject

N = 7


def promise_tokenwise(family: str) -> None:
    """Add to a family the promises of a map [... m] -> [... m] of single tokens."""
    check(family, "keeps the shape, for any axes before the last")(any_axes)
    check(family, "each token by itself")(alone)
    promise_common(family, exercise)


@torch.no_grad()
def any_axes(subject: Subject) -> None:
    module, x = subject.build(), torch.randn(2, 3, 4, subject["dim"]).double()
    whole = module(x)
    demand(whole.shape == x.shape, f"{tuple(x.shape)} becomes {tuple(whole.shape)}")
    same(module(x[0]), whole[0], "[b n m] and [a b n m] are not treated alike")
    same(module(x[0, 0]), whole[0, 0], "[n m] and [a b n m] are not treated alike")
    same(module(x[:, :, :0]), x[:, :, :0], "no tokens")


@torch.no_grad()
def alone(subject: Subject) -> None:
    module = subject.build()
    for loudness in (1.0, 1e4):
        seen = dependence(module, torch.randn(1, N, subject["dim"]).double(), loudness)
        others = seen & ~torch.eye(N, dtype=torch.bool)
        if others.any():
            i, j = first(others)
            raise Broken(f"output {i} changes with token {j}")
    x = torch.randn(3, N, subject["dim"]).double()
    x[1] *= 1e4
    same(module(x)[:1], module(x[:1]), "a row alone is not as in a batch")
    zeros = module(torch.zeros(1, 2, subject["dim"]).double())
    demand(zeros.isfinite().all(), "a vector of zeros gives no finite output")


def exercise(subject: Subject, module: nn.Module, feed: Feed) -> Sequence[Tensor]:
    return [module(feed.vectors(2, N, subject["dim"]))]
