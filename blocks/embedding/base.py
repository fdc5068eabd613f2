"""The embedding family: what turns the inputs of a model into the stream that enters its first layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import torch
from torch import Tensor, nn

from blocks.coords import Coords

Place: TypeAlias = Callable[[Tensor, Coords], Tensor]
"""Adds what the position scheme adds at the input. x: [b n m] -> [b n m]."""


@dataclass(frozen=True)
class Marks:
    """What comes with the inputs of a model; None where nothing is to be said.

    valid, segment, prefix, globals: as in `Coords`, [b n] for tokens; for inputs of another shape, as the embedding
    says. types: int [b n], kinds of tokens (BERT's sentence A and B). start, offset: tokens seen before, see `Coords`.
    """

    valid: Tensor | None = None
    segment: Tensor | None = None
    prefix: Tensor | None = None
    globals: Tensor | None = None
    types: Tensor | None = None
    start: int = 0
    offset: Tensor | None = None

    def coordinates(self, length: int, *, device: torch.device) -> Coords:
        """The one place where coordinates of tokens are made: from the batch and what has been decoded before."""
        return Coords.of(
            length,
            start=self.start,
            offset=self.offset,
            valid=self.valid,
            segment=self.segment,
            prefix=self.prefix,
            globals=self.globals,
            types=self.types,
            device=device,
        )


@dataclass(frozen=True)
class Embedded:
    """x: [b n m], the stream that enters the first layer; at: where its vectors stand."""

    x: Tensor
    at: Coords


class Embedding(nn.Module):
    """Reads the inputs of a model. provides: what they are: "tokens", "images", "audio" ...

    weight: the table [v m] that a tied head shares, None where there is none.
    """

    family: ClassVar[str] = "embedding"
    provides: ClassVar[frozenset[str]] = frozenset()

    @property
    def weight(self) -> Tensor | None:
        return None

    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        """Each kind says what its inputs are. `place` is called once, before dropout."""
        raise NotImplementedError

    def share_table(self, other: Embedding) -> None:
        """Use the table of `other` from now on. Raises ValueError for kinds that cannot."""
        raise ValueError(f"{type(self).__name__} has no table that it could share with {type(other).__name__}")

    def example(self, batch: int, length: int) -> Tensor:
        """Inputs that become about `length` vectors, on the default device: for dry runs and contract tests."""
        raise NotImplementedError


def sample(*shape: int) -> Tensor:
    """Numbers between -1 and 1, the same ones each time, on the default device."""
    return torch.sin(torch.arange(math.prod(shape), dtype=torch.get_default_dtype())).reshape(shape)


def required(vocab: int | None) -> int:
    """The size of the vocabulary. Raises ValueError when nobody has said it."""
    if vocab is None:
        raise ValueError("the size of the vocabulary is not known: set model.vocab, or give data, which knows it")
    return vocab
