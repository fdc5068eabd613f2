"""The contract of the head family."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from blocks.contract.check import check, demand, provides
from blocks.contract.common import Feed, promise_common
from blocks.contract.compare import dependence, same
from blocks.contract.subject import Subject
from blocks.coords import Coords
from blocks.head import Head

N = 6


@check("head", "says what its logits are of, and they are")
@torch.no_grad()
def shape(subject: Subject) -> None:
    demand(len(subject.provides & {"tokens", "classes"}) == 1, "provides must have one of 'tokens' and 'classes'")
    out = _logits(subject.build(), subject, torch.randn(2, N, subject["dim"]).double())
    if "tokens" in subject.provides:
        demand(out.shape == (2, N, subject["vocab"]), f"logits of tokens are [b n v], not {tuple(out.shape)}")
    else:
        demand(out.dim() == 2 and len(out) == 2, f"logits of classes are [b classes], not {tuple(out.shape)}")


def _logits(head: Head, subject: Subject, hidden: Tensor, at: Coords | None = None) -> Tensor:
    wide = torch.Generator().manual_seed(2)
    table = torch.randn(subject["vocab"], subject["dim"], generator=wide, dtype=torch.float64)
    out: Tensor = head(hidden, Coords.of(hidden.shape[1]) if at is None else at, table)
    return out


@check("head", "logits of a token come from that token", when=provides("tokens"))
@torch.no_grad()
def tokenwise(subject: Subject) -> None:
    head = subject.build()
    seen = dependence(lambda t: _logits(head, subject, t), torch.randn(1, N, subject["dim"]).double())
    demand(torch.equal(seen, torch.eye(N, dtype=torch.bool)), "logits of a token must depend on its own vector alone")


@check("head", "rows of a batch do not know of each other")
@torch.no_grad()
def rows_apart(subject: Subject) -> None:
    head, hidden = subject.build(), torch.randn(3, N, subject["dim"]).double()
    together = _logits(head, subject, hidden)
    same(_logits(head, subject, hidden[1:2]), together[1:2], "a row alone is not as in a batch")


@check("head", "padding is invisible")
@torch.no_grad()
def padding(subject: Subject) -> None:
    head, hidden = subject.build(), torch.randn(2, N, subject["dim"]).double()
    for real in (slice(2, None), slice(None, 4)):
        valid = torch.zeros(2, N, dtype=torch.bool)
        valid[:, real] = True
        loud = torch.where(valid.unsqueeze(-1), hidden, 1e4)
        out = _logits(head, subject, loud, Coords.of(N, valid=valid))
        out = out[:, real] if "tokens" in subject.provides else out
        same(out, _logits(head, subject, hidden[:, real]), "padding changes the logits")
    empty = _logits(head, subject, hidden, Coords.of(N, valid=torch.zeros(2, N, dtype=torch.bool)))
    demand(empty.isfinite().all(), "a row that is all padding gives logits that are not finite")


def exercise(subject: Subject, module: nn.Module, feed: Feed) -> Sequence[Tensor]:
    assert isinstance(module, Head)
    hidden, table = feed.vectors(2, N, subject["dim"]), feed.vectors(subject["vocab"], subject["dim"])
    return [module(hidden, Coords.of(N, device=torch.device(feed.device)), table)]


promise_common("head", exercise)
