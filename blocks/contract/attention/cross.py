"""Cross-attention: reading another stream of another length."""

from __future__ import annotations

import torch

from blocks.attention import Attention
from blocks.contract.attention.cases import draw, padded
from blocks.contract.check import Broken, check, demand, provides
from blocks.contract.compare import dependence, same
from blocks.contract.subject import Subject
from blocks.coords import Coords


@check("attention", "cross-attention reads all of the source, each query by itself", when=provides("cross"))
@torch.no_grad()
def reads_source(subject: Subject) -> None:
    attention: Attention = subject.build()
    for queries, keys in ((4, 7), (6, 6), (7, 3), (1, 5)):
        x, source = draw(subject, 1, queries), draw(subject, 1, keys)
        by_query = dependence(lambda t, s=source: attention(t, source=s.expand(len(t), -1, -1)), x)  # type: ignore[misc]
        others = by_query & ~torch.eye(queries, dtype=torch.bool)
        demand(~others.any(), f"with {queries} queries and {keys} source tokens, an output depends on another query")
        demand(by_query.any(1).all(), "an output does not depend on its own query")
        both = torch.cat([source, x], 1)
        split = dependence(lambda t, k=keys: _read(attention, t[:, k:], t[:, :k]), both)  # type: ignore[misc]
        demand(split[:queries, :keys].all(), f"with {queries} queries, not all of {keys} source tokens are read")


def _read(attention: Attention, x: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """Cross-attention, filled up to the length of both streams together."""
    out: torch.Tensor = attention(x, source=source)
    return torch.cat([out, torch.zeros_like(source)], dim=1)


@check("attention", "padding in a source is invisible", when=provides("cross", "padding"))
@torch.no_grad()
def source_padding(subject: Subject) -> None:
    attention: Attention = subject.build()
    rows, x = [draw(subject, 1, n)[0] for n in (7, 4, 1)], draw(subject, 3, 5)
    for left in (False, True):
        source, valid = padded(rows, left=left)
        out = attention(x, source=source, source_at=Coords.of(7, valid=valid))
        alone = torch.cat([attention(x[i : i + 1], source=row[None]) for i, row in enumerate(rows)])
        same(out, alone, "padding in the source changes what is read")
    nothing = attention(x, source=source, source_at=Coords.of(7, valid=torch.zeros_like(valid)))
    demand(nothing.isfinite().all(), "a source that is all padding gives values that are not finite")


@check("attention", "decoding reads a source that was projected once", when=provides("cross", "decode"))
@torch.no_grad()
def source_cache(subject: Subject) -> None:
    attention: Attention = subject.build()
    rows, x = [draw(subject, 1, n)[0] for n in (7, 4)], draw(subject, 2, 6)
    source, valid = padded(rows, left=False)
    source_at = Coords.of(7, valid=valid)
    whole = attention(x, source=source, source_at=source_at)
    cache = attention.new_cache(cross=True)
    order = torch.tensor([1, 0, 1])
    for i in range(6):
        at = Coords.of(1, start=i)
        if i == 3:
            x, whole, source, cache = x[order], whole[order], source[order], cache.select(order)
            source_at = source_at.select(order)
        out = attention(x[:, i : i + 1], at, source=source, source_at=source_at, cache=cache)
        same(out, whole[:, i : i + 1], f"reading the source step by step departs at step {i}")


@check("attention", "refuses a source that it cannot read", when=lambda subject: "cross" not in subject.provides)
def refuses_source(subject: Subject) -> None:
    try:
        subject.build()(draw(subject, 1, 3), source=draw(subject, 1, 4))
    except ValueError as error:
        demand("cross" in str(error), f"refuses a source without naming 'cross': {error}")
    else:
        raise Broken("does not declare 'cross' but takes a source without a word")
