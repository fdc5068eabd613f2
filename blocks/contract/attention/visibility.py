"""What a token may and must depend on."""

from __future__ import annotations

import torch
from torch import Tensor

from blocks.attention import Attention
from blocks.contract.attention.cases import N, directions, draw, named, situations
from blocks.contract.check import Broken, check, demand, provides
from blocks.contract.compare import dependence, first
from blocks.contract.subject import Subject
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask, Prefix, Window, pairwise

STRICT = 1e-12
"""What has not changed may move by this much of the outputs' size, in float64."""


def is_strict(subject: Subject) -> bool:
    """Whether a causal mask hides all of what is later."""
    return "causal" in subject.provides and "look_ahead" not in subject.provides


@check("attention", "no token sees a later one", when=is_strict)
@torch.no_grad()
def no_future_leak(subject: Subject) -> None:
    attention = subject.build()
    for mask, position in situations(subject, attention):
        if not isinstance(mask, Causal):
            continue
        for loudness in (1.0, 1e4):
            seen = dependence(
                lambda x, p=position: attention(x, mask=Causal(), position=p),  # type: ignore[misc]
                draw(subject, 1, N),
                loudness,
                STRICT,
            )
            leak = seen & ~torch.ones_like(seen).tril()
            if leak.any():
                raise Broken(f"with {named(mask, position)}, output {_said(leak)} {loudness:g} times as loud")


@check("attention", "what is declared to look ahead does", when=provides("look_ahead"))
@torch.no_grad()
def looks_ahead(subject: Subject) -> None:
    attention = subject.build()
    seen = dependence(lambda x: attention(x, mask=Causal()), draw(subject, 1, N), 1.0, STRICT)
    demand(seen.triu(1).any(), "declares 'look_ahead', but with Causal() no output depends on a later token")


def _said(leak: Tensor) -> str:
    i, j = first(leak)
    return f"{i} changes with the later token {j} made"


@check("attention", "a token depends on itself or on earlier ones", when=provides("causal"))
@torch.no_grad()
def depends_on_past(subject: Subject) -> None:
    attention = subject.build()
    seen = dependence(lambda x: attention(x, mask=Causal()), draw(subject, 1, N))
    demand(seen.any(1).all(), "with Causal(), some output depends on no token at all")
    demand(seen.tril(-1).any(), "with Causal(), no output depends on any earlier token")


@check("attention", "a token depends on both sides", when=provides("bidirectional"))
@torch.no_grad()
def depends_on_both_sides(subject: Subject) -> None:
    attention = subject.build()
    seen = dependence(lambda x: attention(x, mask=Full()), draw(subject, 1, N))
    demand(seen.tril(-1).any(), "with Full(), no output depends on any earlier token")
    demand(seen.triu(1).any(), "with Full(), no output depends on any later token")


def masks_by_word(subject: Subject) -> dict[str, list[Mask]]:
    """Masks that use each word that a kind may declare."""
    narrow: list[Mask] = [Window(1, 2)] if "bidirectional" in subject.provides else []
    if "causal" in subject.provides:
        narrow += [Causal() & Window(2, 0), Causal() & Window(3, 3)]
    causal: list[Mask] = [] if "look_ahead" in subject.provides else [Causal()]
    return {"bidirectional": [Full()], "causal": causal, "window": narrow, "prefix": [Causal() | Prefix()]}


@check("attention", "obeys the masks that it declares and refuses the others")
@torch.no_grad()
def obeys_masks(subject: Subject) -> None:
    attention = subject.build()
    marks = torch.zeros(1, N, dtype=torch.bool)
    marks[:, :4] = True
    widest = directions(subject)[0]
    seen = _sees(attention, draw(subject, 1, N), widest, Coords.of(N))
    dense = bool(seen.all() if isinstance(widest, Full) else seen.tril().sum() == N * (N + 1) // 2)
    for word, masks in masks_by_word(subject).items():
        for mask in masks:
            at = Coords.of(N, prefix=marks)
            if word in subject.provides:
                _obeys(_sees(attention, draw(subject, 1, N), mask, at), mask, at, dense)
            else:
                _refuses(attention, draw(subject, 2, N), mask, at, word)


def _sees(attention: Attention, x: Tensor, mask: Mask, at: Coords) -> Tensor:
    return dependence(lambda rows: attention(rows, at, mask=mask), x)


def _obeys(seen: Tensor, mask: Mask, at: Coords, dense: bool) -> None:
    allowed = pairwise(mask, at, at)
    allowed = torch.ones_like(seen) if allowed is None else allowed[0]
    if (seen & ~allowed).any():
        i, j = first(seen & ~allowed)
        raise Broken(f"under {mask}, output {i} changes with token {j}, which the mask hides")
    # a kind that sees everything where nothing is hidden has no pattern of its own that could hide more
    if dense and (allowed & ~seen).any():
        i, j = first(allowed & ~seen)
        raise Broken(f"under {mask}, output {i} does not depend on token {j}, which the mask shows")


def _refuses(attention: Attention, x: Tensor, mask: Mask, at: Coords, word: str) -> None:
    try:
        attention(x, at, mask=mask)
    except ValueError as error:
        demand(word in str(error) or str(mask) in str(error), f"refuses {mask} without naming it: {error}")
    else:
        raise Broken(f"does not declare '{word}' but takes the mask {mask} without a word")
