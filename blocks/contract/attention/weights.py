"""Attention weights: shown as they are, without touching what is computed."""

from __future__ import annotations

import torch

from blocks.attention import Attention
from blocks.contract.attention.cases import N, directions, draw, named, situations
from blocks.contract.check import check, demand, provides
from blocks.contract.compare import dependence, moved
from blocks.contract.subject import Subject
from blocks.coords import Coords
from blocks.masks import Causal

NOTHING = 1e-12
"""A weight below this is none."""


@check("attention", "weights are shares of what a token sees", when=provides("weights"))
@torch.no_grad()
def shares(subject: Subject) -> None:
    attention: Attention = subject.build()
    x = draw(subject, 2, N)
    valid = torch.ones(2, N, dtype=torch.bool)
    if "padding" in subject.provides:
        valid[1, -2:] = False
    at = Coords.of(N, valid=None if bool(valid.all()) else valid)
    for mask, position in situations(subject, attention):
        weights = attention.weights(x, at, mask=mask, position=position)
        shape = 2, attention.heads, N, N
        demand(weights.shape == shape, f"weights are {tuple(weights.shape)}, not [b h q k] {shape}")
        # a scheme that turns the features of a linear kind leaves its denominator as it was
        if position is None:
            demand(bool((weights >= -NOTHING).all()), f"under {mask} a weight is negative")
            total = weights.sum(-1)[valid.unsqueeze(1).expand(-1, attention.heads, -1)]
            demand(bool((total < 1 + 1e-9).all()), f"under {mask} weights sum to {float(total.max()):.3g}")
        hidden = weights.masked_select(~valid[:, None, None, :])
        demand(bool((hidden.abs() < NOTHING).all()), "padding has weight")


@check("attention", "weights say on what a token depends", when=provides("weights"))
@torch.no_grad()
def dependences(subject: Subject) -> None:
    attention: Attention = subject.build()
    for mask in directions(subject):
        if isinstance(mask, Causal) and "look_ahead" in subject.provides:
            continue
        x = draw(subject, 1, N)
        seen = dependence(lambda x, m=mask: attention(x, mask=m), x)  # type: ignore[misc]
        weighty = (attention.weights(x, mask=mask)[0] > NOTHING).any(0)
        # a token makes its own query: it may depend on itself without weight
        apart = (seen != weighty) & ~torch.eye(N, dtype=torch.bool)
        demand(not apart.any(), f"under {mask}, weights and dependences differ at {apart.nonzero()[:3].tolist()}")


@check("attention", "weights follow the position scheme", when=provides("weights"))
@torch.no_grad()
def positions(subject: Subject) -> None:
    attention: Attention = subject.build()
    x = draw(subject, 1, N)
    for mask, position in situations(subject, attention):
        if position is None or position.hooks == {"content_value"}:
            continue
        plain, acted = attention.weights(x, mask=mask), attention.weights(x, mask=mask, position=position)
        demand(moved(acted, plain).any(), f"weights do not change with {named(mask, position)}")
