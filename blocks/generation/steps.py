"""Logits of the next token, step by step: with the model's caches, or by passing everything again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from blocks.topology.base import DecodeState, Topology


class Steps(Protocol):
    """What follows tokens that are given bit by bit."""

    def __call__(self, tokens: Tensor) -> Tensor:
        """Logits after `tokens`, which follow all earlier ones: int [b n] -> [b v]."""
        ...

    def select(self, rows: Tensor) -> None:
        """Go on with the batch rows `rows` [b'] alone, as beams are reordered."""
        ...


class Cached:
    """One pass over the new tokens at each step. first: what the model is given beside the first tokens."""

    def __init__(self, model: Topology, state: DecodeState, first: Mapping[str, Tensor]) -> None:
        self.model, self.state, self.given = model, state, first

    def __call__(self, tokens: Tensor) -> Tensor:
        given, self.given = self.given, {}
        return self.model(tokens, state=self.state, **given)[:, -1]

    def select(self, rows: Tensor) -> None:
        self.state = self.state.select(rows)


class Uncached:
    """The whole sequence again at each step, for models that keep no cache."""

    def __init__(self, model: Topology, first: Mapping[str, Tensor]) -> None:
        self.model = model
        self.source = {name: value for name, value in first.items() if name.startswith("source")}
        self.marks = {name: value for name, value in first.items() if name not in self.source}
        self.tokens: Tensor | None = None

    def __call__(self, tokens: Tensor) -> Tensor:
        if self.tokens is not None:
            self.marks = {name: self._extended(name, mark, tokens) for name, mark in self.marks.items()}
            tokens = torch.cat([self.tokens, tokens], dim=1)
        self.tokens = tokens
        return self.model(tokens, **self.marks, **self.source)[:, -1]

    def select(self, rows: Tensor) -> None:
        assert self.tokens is not None
        self.tokens = self.tokens[rows]
        self.marks = {name: mark[rows] for name, mark in self.marks.items()}
        self.source = {name: value[rows] for name, value in self.source.items()}

    def _extended(self, name: str, mark: Tensor, tokens: Tensor) -> Tensor:
        """New tokens are never padding and never part of the prefix."""
        new = torch.full_like(tokens, name == "valid", dtype=torch.bool)
        return torch.cat([mark, new], dim=1)


def start(model: Topology, first: Mapping[str, Tensor]) -> Steps:
    """Steps of a model, cached where its attention kinds can decode step by step.

    first: what the model is given beside the first tokens: valid, prefix, source, source_valid.
    """
    try:
        state = model.new_state()
    except NotImplementedError:
        return Uncached(model, first)
    return Cached(model, state, first)
