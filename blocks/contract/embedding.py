"""The contract of the embedding family."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from blocks.contract.check import check, demand
from blocks.contract.common import Feed, promise_common
from blocks.contract.compare import moved, same
from blocks.contract.subject import Subject
from blocks.coords import Coords
from blocks.embedding import Embedding

N = 6


def wave(x: Tensor, at: Coords) -> Tensor:
    """Stands for a position scheme."""
    return x + torch.sin(0.9 * at.pos.to(x.dtype)).unsqueeze(-1)


def nothing(x: Tensor, at: Coords) -> Tensor:
    return x


@check("embedding", "one vector for each token, another for another token")
@torch.no_grad()
def vectors(subject: Subject) -> None:
    embedding: Embedding = subject.build()
    ids = torch.arange(subject["vocab"]).unsqueeze(0)
    out = embedding(ids, Coords.of(ids.shape[1]), nothing)
    demand(out.shape == (*ids.shape, subject["dim"]), f"ids {tuple(ids.shape)} become {tuple(out.shape)}")
    demand(moved(out[:, 1:], out[:, :-1]).all(), "two tokens have the same vector")
    same(embedding(ids[:, 3:4], Coords.of(1), nothing), out[:, 3:4], "a token's vector depends on its neighbours")


@check("embedding", "calls what the position scheme adds, once, with the coordinates")
@torch.no_grad()
def places(subject: Subject) -> None:
    embedding: Embedding = subject.build()
    ids, at, seen = torch.randint(subject["vocab"], (2, N)), Coords.of(N, start=3), list[Coords]()

    def place(x: Tensor, where: Coords) -> Tensor:
        seen.append(where)
        return wave(x, where)

    out = embedding(ids, at, place)
    demand(len(seen) == 1, f"calls `place` {len(seen)} times")
    demand(seen[0] is at, "calls `place` with other coordinates than it was given")
    demand(moved(out, embedding(ids, at, nothing)).any(), "what `place` adds does not reach the output")


@check("embedding", "shows the table that a tied head shares")
@torch.no_grad()
def table(subject: Subject) -> None:
    embedding: Embedding = subject.build()
    shape = tuple(embedding.weight.shape)
    demand(shape == (subject["vocab"], subject["dim"]), f"`weight` is {shape}, not [v m]")
    ids, at = torch.tensor([[4, 5]]), Coords.of(2)
    before = embedding(ids, at, nothing)
    embedding.weight[4] += 1 + torch.randn(subject["dim"]).double()
    after = moved(embedding(ids, at, nothing), before)
    demand(after.tolist() == [[True, False]], "`weight` is not the table that tokens are looked up in")


def exercise(subject: Subject, module: nn.Module, feed: Feed) -> Sequence[Tensor]:
    assert isinstance(module, Embedding)
    device = torch.device(feed.device)
    ids = torch.arange(subject["vocab"], device=device).unsqueeze(0)
    return [module(ids, Coords.of(subject["vocab"], device=device), wave)]


promise_common("embedding", exercise)
