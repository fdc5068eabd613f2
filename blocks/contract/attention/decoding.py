"""Decoding step by step gives what the full pass gives."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from blocks.attention import Attention
from blocks.contract.attention.cases import decode, draw, named, padded, schemes
from blocks.contract.check import check, demand, provides
from blocks.contract.compare import same
from blocks.contract.subject import Subject
from blocks.masks import Causal

LONG = 21
"""Long enough for a ring to go round more than once."""

PIECES = ([1], [LONG], [4, 1], [1, 6, 3, 1], [3, 3, 5])


@check("attention", "cached decoding is the full pass", when=provides("causal", "decode"))
@torch.no_grad()
def cached(subject: Subject) -> None:
    attention: Attention = subject.build()
    x = draw(subject, 2, LONG)
    for position in schemes(subject, attention):
        whole = attention(x, mask=Causal(), position=position)
        for sizes in PIECES:
            stepped, _ = decode(attention, x, sizes, position)
            same(
                stepped, whole, f"decoding in pieces of {sizes}, with {named(Causal(), position)}, is not the full pass"
            )


@check("attention", "cached decoding of left-padded rows is each row", when=provides("causal", "decode", "padding"))
@torch.no_grad()
def cached_with_padding(subject: Subject) -> None:
    attention: Attention = subject.build()
    rows = [draw(subject, 1, n)[0] for n in (LONG, LONG - 3, LONG - 5)]
    x, valid = padded(rows, left=True)
    for position in schemes(subject, attention):
        alone = torch.cat([attention(row[None], mask=Causal(), position=position)[0] for row in rows])
        for sizes in ([6, 1], [2, 1, 4, 1], [9, 5, 2]):
            stepped, _ = decode(attention, x, sizes, position, valid=valid)
            message = f"decoding left-padded rows in pieces of {sizes}, with {named(Causal(), position)}"
            same(stepped[valid], alone, f"{message}, is not each row alone")


@check("attention", "beams can be reordered while decoding", when=provides("causal", "decode"))
@torch.no_grad()
def beams(subject: Subject) -> None:
    attention: Attention = subject.build()
    x, order, half = draw(subject, 3, LONG), torch.tensor([2, 0, 2, 1]), LONG // 2
    for position in schemes(subject, attention):
        _, cache = decode(attention, x[:, :half], [4, 1], position)
        chosen = cache.select(order)
        rest = draw(subject, 4, LONG - half)
        whole = attention(torch.cat([x[order, :half], rest], 1), mask=Causal(), position=position)[:, half:]
        stepped, _ = decode(attention, rest, [1, 2], position, cache=chosen, start=half)
        same(stepped, whole, f"a cache whose rows were selected continues wrongly, with {named(Causal(), position)}")
        stepped, _ = decode(attention, x[:, half:], [1, 2], position, cache=cache, start=half)
        whole = attention(x, mask=Causal(), position=position)[:, half:]
        same(stepped, whole, "selecting rows of a cache changes the cache that they came from")


@check("attention", "a cache keeps no graph", when=provides("causal", "decode"))
def no_graph(subject: Subject) -> None:
    attention: Attention = subject.build()
    out, cache = decode(attention, draw(subject, 2, 5), [2], None)
    demand(out.requires_grad, "decoding cuts the gradient of its own output")
    held = list(_tensors(cache))
    demand(bool(held), "the cache holds no tensors: it remembers nothing, or hides it")
    demand(not any(t.requires_grad for t in held), "the cache keeps the graph of all earlier steps")


def _tensors(held: object) -> Iterator[Tensor]:
    """Every tensor inside an object."""
    if isinstance(held, Tensor):
        yield held
    elif isinstance(held, list | tuple):
        for item in held:
            yield from _tensors(item)
    elif isinstance(held, dict):
        yield from _tensors(list(held.values()))
    elif hasattr(held, "__dict__"):
        yield from _tensors(list(vars(held).values()))
