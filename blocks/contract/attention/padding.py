"""Padding is invisible to real tokens, and harmless where there is nothing else."""

from __future__ import annotations

import torch

from blocks.attention import Attention
from blocks.contract.attention.cases import draw, named, padded, situations
from blocks.contract.check import Broken, check, demand, provides
from blocks.contract.compare import same
from blocks.contract.subject import Subject
from blocks.coords import Coords


def _invisible(subject: Subject, *, left: bool) -> None:
    attention: Attention = subject.build()
    rows = [draw(subject, 1, n)[0] for n in (9, 6, 1)]
    x, valid = padded(rows, left=left)
    side = "left" if left else "right"
    for mask, position in situations(subject, attention):
        out = attention(x, Coords.of(9, valid=valid), mask=mask, position=position)
        alone = torch.cat([attention(row[None], mask=mask, position=position)[0] for row in rows])
        same(out[valid], alone, f"padding on the {side} changes real tokens, with {named(mask, position)}")


@check("attention", "padding on the left is invisible", when=provides("padding"))
@torch.no_grad()
def left_padding(subject: Subject) -> None:
    _invisible(subject, left=True)


@check("attention", "padding on the right is invisible", when=provides("padding"))
@torch.no_grad()
def right_padding(subject: Subject) -> None:
    _invisible(subject, left=False)


@check("attention", "refuses padding that it cannot hide", when=lambda subject: "padding" not in subject.provides)
def refuses_padding(subject: Subject) -> None:
    valid = torch.tensor([[True, True, False]])
    try:
        subject.build()(draw(subject, 1, 3), Coords.of(3, valid=valid))
    except ValueError as error:
        demand("padding" in str(error), f"refuses padding without naming it: {error}")
    else:
        raise Broken("does not declare 'padding' but takes padded rows without a word")


@check("attention", "a row that sees nothing is finite", when=provides("padding"))
def empty_rows(subject: Subject) -> None:
    attention: Attention = subject.build()
    valid = torch.tensor([[False] * 5, [False, False, True, True, True], [True] * 5])
    for mask, position in situations(subject, attention):
        x = draw(subject, 3, 5).requires_grad_()
        out = attention(x, Coords.of(5, valid=valid), mask=mask, position=position)
        demand(out.isfinite().all(), f"a row with nothing to see is not finite, with {named(mask, position)}")
        inputs = [x, *attention.parameters()]
        for gradient in torch.autograd.grad(out.sum(), inputs, allow_unused=True):
            finite = gradient is None or bool(gradient.isfinite().all())
            demand(finite, f"a row with nothing to see has a gradient that is not finite, with {named(mask, position)}")
