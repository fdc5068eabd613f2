"""The contract of the head family."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from blocks.contract.check import check, demand
from blocks.contract.common import Feed, promise_common
from blocks.contract.compare import dependence, same
from blocks.contract.subject import Subject
from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head import Head
from registry import Build, build

N = 6

PER_TOKEN = ("tokens", "token classes", "token values", "spans", "boxes", "vectors")
PER_ROW = ("classes", "values", "vector", "rebuilt tokens")
"""What the logits of a head can be of: something for each token, or for the whole sequence."""


def per_token(subject: Subject) -> bool:
    return bool(subject.provides & set(PER_TOKEN))


@check("head", "says what its logits are of, and they are")
@torch.no_grad()
def shape(subject: Subject) -> None:
    known = {*PER_TOKEN, *PER_ROW}
    words = ", ".join(sorted(known))
    demand(len(subject.provides & known) == 1, f"provides must have one of: {words}")
    out = _logits(subject.build(), subject, torch.randn(2, N, subject["dim"]).double())
    if "tokens" in subject.provides:
        demand(out.shape == (2, N, subject["vocab"]), f"logits of tokens are [b n v], not {tuple(out.shape)}")
    elif per_token(subject):
        demand(out.shape[:2] == (2, N), f"there must be something for each token, [b n ...], not {tuple(out.shape)}")
    else:
        demand(out.dim() >= 2 and len(out) == 2, f"logits of classes are [b classes], not {tuple(out.shape)}")


def _logits(head: Head, subject: Subject, hidden: Tensor, at: Coords | None = None) -> Tensor:
    out: Tensor = head(hidden, Coords.of(hidden.shape[1]) if at is None else at, partner(subject))
    return out


def partner(subject: Subject) -> Embedding:
    """The embedding whose table the head may share."""
    reads: Build[Embedding] = subject.target.example_embedding  # type: ignore[attr-defined]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        made: Embedding = build(reads, dim=subject["dim"], vocab=subject["vocab"]).double().eval()
    return made


@check("head", "logits of a token come from that token", when=per_token)
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
        out = out[:, real] if per_token(subject) else out
        same(out, _logits(head, subject, hidden[:, real]), "padding changes the logits")
    empty = _logits(head, subject, hidden, Coords.of(N, valid=torch.zeros(2, N, dtype=torch.bool)))
    demand(empty.isfinite().all(), "a row that is all padding gives logits that are not finite")


def gives_a_vector(subject: Subject) -> bool:
    return "vector" in subject.provides


@check("head", "compares vectors, of each row with its own or with every other", when=gives_a_vector)
@torch.no_grad()
def compares(subject: Subject) -> None:
    demand(len(subject.provides & {"similarity", "match"}) == 1, "a head with vectors provides similarity or match")
    head = subject.build()
    a = _logits(head, subject, torch.randn(3, N, subject["dim"]).double())
    demand(a.dim() == 2, f"a vector for each row is [b w], not {tuple(a.shape)}")
    found, of_one = head.compare(a, a.flip(0)), head.compare(a[:1], a[2:])
    wanted = (3, 3) if "similarity" in subject.provides else (3,)
    demand(found.shape == wanted, f"the comparison of 3 and 3 vectors is {list(wanted)}, not {tuple(found.shape)}")
    same(found.flatten()[:1], of_one.flatten(), "how two vectors compare depends on others")


def exercise(subject: Subject, module: nn.Module, feed: Feed) -> Sequence[Tensor]:
    assert isinstance(module, Head)
    hidden, at = feed.vectors(2, N, subject["dim"]), Coords.of(N, device=torch.device(feed.device))
    embedding = partner(subject).to(hidden)
    out = module(hidden, at, embedding)
    compared = [module.compare(out, out.flip(0))] if "vector" in subject.provides else []
    return [out, *module.beside(hidden, at, embedding).values(), *compared]


promise_common("head", exercise)
