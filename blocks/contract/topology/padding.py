"""Padding is invisible to the real tokens of a model."""

from __future__ import annotations

import torch

from blocks.contract.check import check
from blocks.contract.compare import same
from blocks.contract.subject import Subject
from blocks.contract.topology.models import N, draw, padded, predicts, reads_source, run, takes


def _invisible(subject: Subject, *, left: bool) -> None:
    model = subject.build()
    rows = [draw(subject, 1, n)[0] for n in (N, 5, 2)]
    ids, valid = padded(rows, left=left)
    out = run(model, subject, ids, valid=valid)
    alone = [run(model, subject, row[None]) for row in rows]
    side = "left" if left else "right"
    same(out.hidden[valid], torch.cat([a.hidden[0] for a in alone]), f"padding on the {side} changes real tokens")
    of_tokens = out.logits.dim() == 3
    logits = out.logits[valid] if of_tokens else out.logits
    apart = torch.cat([a.logits[0] if of_tokens else a.logits for a in alone])
    same(logits, apart, f"padding on the {side} changes the logits")


@check("topology", "padding on the left is invisible", when=takes("valid"))
@torch.no_grad()
def left_padding(subject: Subject) -> None:
    _invisible(subject, left=True)


@check("topology", "padding on the right is invisible", when=takes("valid"))
@torch.no_grad()
def right_padding(subject: Subject) -> None:
    _invisible(subject, left=False)


@check("topology", "padding in a source is invisible", when=reads_source)
@torch.no_grad()
def source_padding(subject: Subject) -> None:
    model, target = subject.build(), draw(subject, 3, 4)
    rows = [draw(subject, 1, n)[0] for n in (7, 4, 1)]
    alone = torch.cat([run(model, subject, target[i : i + 1], source=row[None]).hidden for i, row in enumerate(rows)])
    for left in (False, True):
        source, valid = padded(rows, left=left)
        out = run(model, subject, target, source=source, source_valid=valid)
        same(out.hidden, alone, "padding in the source changes real tokens")


@check(
    "topology", "a prefix does not make padding visible", when=lambda s: predicts(s) and bool(s.options.get("prefix"))
)
@torch.no_grad()
def padded_prefix(subject: Subject) -> None:
    model = subject.build()
    rows = [draw(subject, 1, n)[0] for n in (N, 5)]
    ids, valid = padded(rows, left=True)
    marks = torch.tensor([[True] * 3 + [False] * 5, [True] * 5 + [False] * 3])
    out = run(model, subject, ids, valid=valid, prefix=marks).hidden
    alone = [
        run(model, subject, row[None], prefix=mark[None, N - len(row) :]).hidden[0]
        for row, mark in zip(rows, marks, strict=True)
    ]
    same(out[valid], torch.cat(alone), "padding within the prefix changes real tokens")
