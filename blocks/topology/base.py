"""The topology family: stacks and streams wired into a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from blocks.coords import Coords
from blocks.embedding import Embedding, Marks
from blocks.head import Head
from blocks.stack import LayerCache
from registry import Need


@dataclass(frozen=True)
class Output:
    """What a model returns. logits: by the head; hidden: [b n m], after the last norm; source: [b k m].

    beside: what the head says beside the logits, by name. at: coordinates of the hidden states.
    """

    logits: Tensor
    hidden: Tensor
    source: Tensor | None = None
    beside: Mapping[str, Tensor] = field(default_factory=dict)
    at: Coords | None = None


@dataclass
class DecodeState:
    """What a model remembers between decoding steps. Callers pass it on and never count positions.

    caches: of each layer, None for one that sees nothing but the tokens at hand. start: tokens seen, padding included.
    offset: [b 1], valid tokens seen where rows differ, else None. source, source_at: the encoder's output, once known.
    """

    caches: list[LayerCache | None]
    start: int = 0
    offset: Tensor | None = None
    source: Tensor | None = None
    source_at: Coords | None = None

    def select(self, rows: Tensor) -> DecodeState:
        """The state of the batch rows `rows` [b'], as beams are reordered; this one is left as it is."""
        return replace(
            self,
            caches=[None if cache is None else cache.select(rows) for cache in self.caches],
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
    """A whole model: `model(tokens)` gives logits, `model.run(tokens)` all, `model.new_state()` starts decoding.

    provides: what the model is and can do; an instance whose options allow less says so itself.
    """

    family: ClassVar[str] = "topology"
    kind_key: ClassVar[str] = "topology"
    provides: frozenset[str] = frozenset()
    needs: ClassVar[Iterable[Need]] = ()
    vocab: int | None
    embedding: Embedding
    head: Head

    @property
    def longest(self) -> int | None:
        """How many tokens the positions of the stack that gives the logits can tell apart, None for no limit."""
        return None

    def new_state(self) -> DecodeState:
        """A state in which nothing has been decoded. Raises NotImplementedError for kinds without a cache."""
        raise NotImplementedError(f"{type(self).__name__} does not decode")

    def example(self, batch: int, length: int) -> dict[str, Tensor]:
        """Arguments of a call with about `length` positions a row, on the default device: for dry runs and counting."""
        return {"tokens": self.embedding.example(batch, length)}

    def read_out(self, hidden: Tensor, at: Coords | None = None, source: Tensor | None = None) -> Output:
        """What the head makes of hidden states [b n m] that have passed the last norm."""
        at = Coords.of(hidden.shape[1], device=hidden.device) if at is None else at
        logits = self.head(hidden, at, self.embedding)
        return Output(logits, hidden, source, self.head.beside(hidden, at, self.embedding), at)


def marks_of(state: DecodeState | None, **given: Tensor | None) -> Marks:
    """What a batch says, together with what has been decoded before."""
    start, offset = (0, None) if state is None else (state.start, state.offset)
    return Marks(start=start, offset=offset, **given)
