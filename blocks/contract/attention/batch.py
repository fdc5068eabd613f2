"""Rows of a batch do not know of each other; coordinates may be given for one row or for all."""

from __future__ import annotations

import torch

from blocks.attention import Attention
from blocks.contract.attention.cases import N, draw, named, situations
from blocks.contract.check import check
from blocks.contract.compare import same
from blocks.contract.subject import Subject
from blocks.coords import Coords


@check("attention", "a token does not depend on the rest of the batch")
@torch.no_grad()
def rows_apart(subject: Subject) -> None:
    attention: Attention = subject.build()
    for mask, position in situations(subject, attention):
        x = draw(subject, 3, N)
        x[1] *= 1e4
        together = attention(x, mask=mask, position=position)
        for row in (0, 2):
            alone = attention(x[row : row + 1], mask=mask, position=position)
            same(together[row : row + 1], alone, f"a row alone is not as in a batch, with {named(mask, position)}")


@check("attention", "coordinates of one row serve a whole batch")
@torch.no_grad()
def one_row_of_coordinates(subject: Subject) -> None:
    attention: Attention = subject.build()
    x, one = draw(subject, 3, N), Coords.of(N)
    each = one.map(lambda t: t.expand(3, -1).contiguous())
    for mask, position in situations(subject, attention):
        out = attention(x, one, mask=mask, position=position)
        same(out, attention(x, each, mask=mask, position=position), "coordinates [1 n] and [b n] differ in effect")
        same(out, attention(x, mask=mask, position=position), "without coordinates, tokens do not stand at 0 ... n - 1")


@check("attention", "one token alone is a sequence")
@torch.no_grad()
def one_token(subject: Subject) -> None:
    attention: Attention = subject.build()
    for mask, position in situations(subject, attention):
        x = draw(subject, 2, 1)
        out = attention(x, mask=mask, position=position)
        same(out, torch.cat([attention(x[i : i + 1], mask=mask, position=position) for i in range(2)]), "one token")
