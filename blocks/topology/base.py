"""The topology family: stacks and streams wired into a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from blocks.coords import Coords
from blocks.stack import LayerCache
from registry import Need


@dataclass(frozen=True)
class Output:
    """What a model returns. logits: by the head; hidden: [b n m], after the last norm; source: [b k m]."""

    logits: Tensor
    hidden: Tensor
    source: Tensor | None = None


@dataclass
class DecodeState:
    """What a model remembers between decoding steps. Callers pass it on and never count positions.

    start: tokens seen, padding included. offset: [b 1], valid tokens seen where rows differ, else None.
    source, source_at: the encoder's output, once it is known.
    """

    caches: list[LayerCache]
    start: int = 0
    offset: Tensor | None = None
    source: Tensor | None = None
    source_at: Coords | None = None

    def select(self, rows: Tensor) -> DecodeState:
        """The state of the batch rows `rows` [b'], as beams are reordered; this one is left as it is."""
        return replace(
            self,
            caches=[cache.select(rows) for cache in self.caches],
            offset=None if self.offset is None else self.offset[rows],
            source=None if self.source is None else self.source[rows],
            source_at=None if self.source_at is None else self.source_at.select(rows),
        )

    def advance(self, at: Coords) -> None:
        """Count the tokens at `at` as seen."""
        n = len(at)
        if at.valid is not None or self.offset is not None:
            seen = torch.full_like(at.index[:, :1], n) if at.valid is None else at.valid.sum(1, keepdim=True)
            self.offset = seen + (self.start if self.offset is None else self.offset)
        self.start += n


class Topology(nn.Module):
    """A whole model: `model(tokens)` gives logits, `model.run(tokens)` all, `model.new_state()` starts decoding."""

    family: ClassVar[str] = "topology"
    kind_key: ClassVar[str] = "topology"
    provides: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Iterable[Need]] = ()
    vocab: int

    @property
    def longest(self) -> int | None:
        """How many tokens the positions of the stack that gives the logits can tell apart, None for no limit."""
        return None

    def new_state(self) -> DecodeState:
        """A state in which nothing has been decoded. Raises NotImplementedError for kinds without a cache."""
        raise NotImplementedError(f"{type(self).__name__} does not decode")


def coordinates(
    tokens: Tensor,
    *,
    valid: Tensor | None = None,
    segment: Tensor | None = None,
    prefix: Tensor | None = None,
    globals: Tensor | None = None,
    state: DecodeState | None = None,
) -> Coords:
    """The one place where coordinates are made: from the batch and what has been decoded before. tokens: [b n]."""
    start, offset = (0, None) if state is None else (state.start, state.offset)
    return Coords.of(
        tokens.shape[1],
        start=start,
        offset=offset,
        valid=valid,
        segment=segment,
        prefix=prefix,
        globals=globals,
        device=tokens.device,
    )


def required(vocab: int | None) -> int:
    """The size of the vocabulary. Raises ValueError when nobody has said it."""
    if vocab is None:
        raise ValueError("the size of the vocabulary is not known: set model.vocab, or give data, which knows it")
    return vocab
