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
from blocks.embedding import Embedding, Marks

N = 6

BESIDE = {"clusters"}
"""What an embedding may provide beside what its inputs are: tables that a head shares cluster by cluster."""


def wave(x: Tensor, at: Coords) -> Tensor:
    """Stands for a position scheme."""
    return x + torch.sin(0.9 * at.pos.to(x.dtype)).unsqueeze(-1)


def nothing(x: Tensor, at: Coords) -> Tensor:
    return x


def reads_tokens(subject: Subject) -> bool:
    return "tokens" in subject.provides


def has_table(subject: Subject) -> bool:
    return subject.build().weight is not None


@check("embedding", "says what it reads, and has an example of it")
@torch.no_grad()
def example(subject: Subject) -> None:
    embedding: Embedding = subject.build()
    demand(len(subject.provides - BESIDE) == 1, "provides must have one word of what the inputs are")
    for batch, length in ((1, 1), (2, N), (3, 2 * N)):
        out = embedding(_inputs(embedding, batch, length), Marks(), nothing)
        demand(len(out.x) == batch, f"a batch of {batch} becomes {len(out.x)} rows")
        demand(out.x.shape[1:] == (len(out.at), subject["dim"]), f"vectors are {tuple(out.x.shape)}, not [b n m]")


@check("embedding", "rows of a batch do not know of each other")
@torch.no_grad()
def rows_apart(subject: Subject) -> None:
    embedding: Embedding = subject.build()
    inputs = _inputs(embedding, 3, N)
    together = embedding(inputs, Marks(), nothing).x
    same(embedding(inputs[1:2], Marks(), nothing).x, together[1:2], "a row alone is not as in a batch")


@check("embedding", "one vector for each token, another for another token", when=reads_tokens)
@torch.no_grad()
def vectors(subject: Subject) -> None:
    embedding: Embedding = subject.build()
    ids = torch.arange(subject["vocab"]).unsqueeze(0)
    out = embedding(ids, Marks(), nothing).x
    demand(out.shape == (*ids.shape, subject["dim"]), f"ids {tuple(ids.shape)} become {tuple(out.shape)}")
    demand(moved(out[:, 1:], out[:, :-1]).all(), "two tokens have the same vector")
    same(embedding(ids[:, 3:4], Marks(), nothing).x, out[:, 3:4], "a token's vector depends on its neighbours")


@check("embedding", "tokens stand where the batch and the past say", when=reads_tokens)
@torch.no_grad()
def coordinates(subject: Subject) -> None:
    embedding: Embedding = subject.build()
    valid = torch.tensor([[False, True, True], [True, True, True]])
    marks = Marks(valid=valid, start=4, offset=torch.tensor([[2], [4]]))
    at = embedding(torch.zeros(2, 3, dtype=torch.long), marks, nothing).at
    demand(at.index.tolist() == [[4, 5, 6]], f"after 4 tokens, 3 more have the index {at.index.tolist()}")
    demand(at.pos.tolist() == [[2, 2, 3], [4, 5, 6]], f"positions do not skip the padding: {at.pos.tolist()}")
    demand(at.valid is not None and torch.equal(at.valid, valid), "the padding is lost")


@check("embedding", "calls what the position scheme adds, once, with the coordinates")
@torch.no_grad()
def places(subject: Subject) -> None:
    embedding: Embedding = subject.build()
    inputs, seen = _inputs(embedding, 2, N), list[Coords]()

    def place(x: Tensor, where: Coords) -> Tensor:
        seen.append(where)
        return wave(x, where)

    out = embedding(inputs, Marks(), place)
    demand(len(seen) == 1, f"calls `place` {len(seen)} times")
    demand(seen[0] is out.at, "calls `place` with other coordinates than it returns")
    demand(moved(out.x, embedding(inputs, Marks(), nothing).x).any(), "what `place` adds does not reach the output")


@check("embedding", "shows the table that a tied head shares", when=has_table)
@torch.no_grad()
def table(subject: Subject) -> None:
    embedding: Embedding = subject.build()
    assert embedding.weight is not None
    rows = embedding.weight.shape[0]
    demand(rows == subject["vocab"], f"`weight` has {rows} rows for a vocabulary of {subject['vocab']}")
    ids = torch.tensor([[4, 5]])
    before = embedding(ids, Marks(), nothing).x
    embedding.weight[4] += 1 + torch.randn(embedding.weight.shape[1]).double()
    after = moved(embedding(ids, Marks(), nothing).x, before)
    demand(after.tolist() == [[True, False]], "`weight` is not the table that tokens are looked up in")


def _inputs(embedding: Embedding, batch: int, length: int) -> Tensor:
    inputs = embedding.example(batch, length)
    return inputs.double() if inputs.is_floating_point() else inputs


def exercise(subject: Subject, module: nn.Module, feed: Feed) -> Sequence[Tensor]:
    assert isinstance(module, Embedding)
    if reads_tokens(subject):
        inputs = torch.arange(subject["vocab"], device=feed.device).unsqueeze(0)
    else:
        given = module.example(2, N)
        inputs = feed.vectors(*given.shape) if given.is_floating_point() else given.to(feed.device)
    return [module(inputs, Marks(), wave).x]


promise_common("embedding", exercise)
