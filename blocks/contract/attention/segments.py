"""Packed documents do not see each other."""

from __future__ import annotations

import torch

from blocks.attention import Attention
from blocks.contract.attention.cases import draw, named, situations
from blocks.contract.check import Broken, check, demand, provides
from blocks.contract.compare import same
from blocks.contract.subject import Subject
from blocks.coords import Coords

SEGMENTS = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 2, 2]])


@check("attention", "packed documents do not see each other", when=provides("segments"))
@torch.no_grad()
def apart(subject: Subject) -> None:
    attention: Attention = subject.build()
    x, at = draw(subject, 2, SEGMENTS.shape[1]), Coords.of(SEGMENTS.shape[1], segment=SEGMENTS)
    for mask, position in situations(subject, attention):
        packed = attention(x, at, mask=mask, position=position)
        documents = [x[:, SEGMENTS[0] == number] for number in range(3)]
        alone = torch.cat([attention(document, mask=mask, position=position) for document in documents], dim=1)
        same(packed, alone, f"packed documents are not as each alone, with {named(mask, position)}")


@check("attention", "refuses packed documents that it cannot keep apart", when=lambda s: "segments" not in s.provides)
def refuses_segments(subject: Subject) -> None:
    try:
        subject.build()(draw(subject, 2, 9), Coords.of(9, segment=SEGMENTS))
    except ValueError as error:
        demand("segments" in str(error), f"refuses packed documents without naming 'segments': {error}")
    else:
        raise Broken("does not declare 'segments' but takes packed documents without a word")
