"""Attention kinds as plain modules: what people pass who know other libraries is refused in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from blocks.attention import Attention, FullAttention, LinearAttention, Longformer, Performer
from blocks.masks import Causal

X = torch.zeros(2, 5, 8)


@pytest.mark.parametrize("kind", [FullAttention, LinearAttention, Longformer, Performer])
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda a: a(X[0]), r"x is \[b n m\], not a tensor of shape \[5, 8\]"),
        (lambda a: a(X, mask=torch.ones(5, 5).bool()), "Causal.*not a tensor; padding goes into `at`"),
        (lambda a: a(X, mask="causal"), r"blocks.masks.Causal\(\), not 'causal'"),
        (lambda a: a(X, mask=Causal), "Causal.*not <class"),
        (lambda a: a(X, at=torch.ones(2, 5).bool()), r"Coords.of\(n, valid=valid\)"),
        (lambda a: a(X, position="rotary"), "an object such as .*not 'rotary'"),
        (lambda a: a(X, source=X[:1]), r"with the 2 rows of x, not a tensor of shape \[1, 5, 8\]"),
    ],
)
def test_arguments_of_other_libraries(kind: type[Attention], call: Callable[[Attention], object], says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        call(kind(8, 2))  # type: ignore[call-arg]


def test_no_heads_and_unknown_capabilities() -> None:
    with pytest.raises(ValueError, match="a width of 8 cannot be split into 0 heads"):
        FullAttention(8, 0)
    with pytest.raises(TypeError, match="unknown words: paddding; known: bidirectional, causal, padding"):
        type("Typo", (Attention,), {"provides": frozenset({"paddding"})})
