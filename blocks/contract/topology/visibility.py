"""Which tokens a model's outputs depend on."""

from __future__ import annotations

import torch

from blocks.contract.check import Broken, check, demand
from blocks.contract.compare import first, same
from blocks.contract.subject import Subject
from blocks.contract.topology.models import N, dependence, draw, lacking, predicts, reads_source, run, takes

STRICT = 1e-12


@check("topology", "no token sees a later one", when=predicts)
@torch.no_grad()
def no_future_leak(subject: Subject) -> None:
    model = subject.build()
    vocab = subject.options["vocab"]
    seen = dependence(lambda ids: run(model, subject, ids).hidden, draw(subject, 1), vocab, STRICT)
    if seen.triu(1).any():
        i, j = first(seen.triu(1))
        raise Broken(f"output {i} changes with the later token {j}")
    demand(seen.diagonal().all(), "some output does not depend on its own token")
    demand(seen.tril(-1).any(), "no output depends on an earlier token")


@check("topology", "a token depends on both sides", when=lambda subject: not predicts(subject))
@torch.no_grad()
def depends_on_both_sides(subject: Subject) -> None:
    model = subject.build()
    seen = dependence(lambda ids: run(model, subject, ids).hidden, draw(subject, 1), subject.options["vocab"])
    demand(seen.tril(-1).any() and seen.triu(1).any(), "outputs do not depend on tokens of both sides")


def _has_prefix(subject: Subject) -> bool:
    return takes("prefix")(subject) and bool(subject.options.get("prefix"))


@check("topology", "the prefix is visible to all, the rest to what follows", when=_has_prefix)
@torch.no_grad()
def prefix(subject: Subject) -> None:
    model = subject.build()
    marks = (torch.arange(N) < 3).unsqueeze(0)
    seen = dependence(
        lambda ids: run(model, subject, ids, prefix=marks).hidden, draw(subject, 1), subject.options["vocab"], STRICT
    )
    allowed = torch.ones(N, N, dtype=torch.bool).tril() | marks
    if (seen & ~allowed).any():
        i, j = first(seen & ~allowed)
        raise Broken(f"with tokens 0 to 2 as prefix, output {i} changes with the later token {j}")
    demand(seen[:3, :3].all(), "the tokens of the prefix do not see all of the prefix")


@check("topology", "packed documents do not see each other", when=takes("segment"))
@torch.no_grad()
def segments(subject: Subject) -> None:
    model = subject.build()
    segment = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 2]])
    ids = draw(subject, 2)
    if lacking(model, "segments"):
        try:
            run(model, subject, ids, segment=segment)
        except ValueError as error:
            demand("segments" in str(error), f"refuses packed documents without naming 'segments': {error}")
            return
        raise Broken("its attention does not declare 'segments', yet packed documents are taken without a word")
    packed = run(model, subject, ids, segment=segment).hidden
    alone = torch.cat([run(model, subject, ids[:, segment[0] == number]).hidden for number in range(3)], dim=1)
    same(packed, alone, "packed documents are not as each alone")


@check("topology", "rows of a batch do not know of each other")
@torch.no_grad()
def rows_apart(subject: Subject) -> None:
    model, ids = subject.build(), draw(subject, 3)
    together = run(model, subject, ids)
    for row in range(3):
        alone = run(model, subject, ids[row : row + 1])
        same(together.logits[row : row + 1], alone.logits, "logits of a row alone are not as in a batch")
    ids[1] = (ids[1] + 1) % subject.options["vocab"]
    same(run(model, subject, ids).hidden[::2], together.hidden[::2], "a row changes with another row")


@check("topology", "the whole source is read", when=reads_source)
@torch.no_grad()
def source(subject: Subject) -> None:
    model, target = subject.build(), draw(subject, 1)
    seen = dependence(
        lambda ids: run(model, subject, target.expand(len(ids), -1), source=ids).hidden,
        draw(subject, 1),
        subject.options["vocab"],
    )
    demand(seen.all(), "some output does not depend on some token of the source")
