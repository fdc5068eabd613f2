"""The attention family: tokens to tokens. A kind owns its projections, its head layout and its cache."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from blocks.attention.cache import Cache
from blocks.coords import Coords
from blocks.masks import Full, Mask, SameSegment, Valid, both
from blocks.position import NoPosition, Position

CAPABILITIES = {
    "bidirectional": "sees earlier and later tokens",
    "causal": "can be kept from seeing later tokens",
    "padding": "does not see padding",
    "segments": "keeps packed documents apart",
    "prefix": "can show a prefix to all tokens",
    "window": "can be narrowed to a window",
    "cross": "can read another stream",
    "rotate": "lets a position scheme turn queries and keys",
    "bias": "lets a position scheme add to the scores",
    "content_bias": "lets a position scheme add a term of queries and keys to the scores",
    "content_value": "lets a position scheme add a term to the weighted sum of values",
    "decode": "can decode step by step with a cache",
}
"""What an attention kind can declare in `provides`; "decode" is declared by overriding `new_cache`."""


class Attention(nn.Module):
    """Maps tokens to tokens: [b n m] -> [b n m].

    provides: what the kind can do, words of CAPABILITIES. Kinds implement `mix`.
    heads, head_dim: for the position scheme.
    """

    family: ClassVar[str] = "attention"
    provides: ClassVar[frozenset[str]] = frozenset()
    heads: int
    head_dim: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if unknown := set(cls.provides) - set(CAPABILITIES):
            raise TypeError(f"{cls.__name__}.provides has unknown words: {', '.join(sorted(unknown))}")
        if cls.new_cache is not Attention.new_cache:
            cls.provides = cls.provides | {"decode"}

    def forward(
        self,
        x: Tensor,
        at: Coords | None = None,
        *,
        mask: Mask | None = None,
        position: Position | None = None,
        source: Tensor | None = None,
        source_at: Coords | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """Attend from x to itself, or to `source` where given (cross-attention).

        x: [b n m]; source: [b k m]; at, source_at: coordinates of x and source (None: plain ones from 0).
        mask: visibility beyond padding and packed documents, which are always honoured. position: hooks to call.
        cache: from `new_cache`; x then continues what the cache has seen. Returns [b n m].
        Raises ValueError for a combination that the kind does not provide.
        """
        at = Coords.of(x.shape[1], device=x.device) if at is None else at
        if source is not None and source_at is None:
            source_at = Coords.of(source.shape[1], device=source.device)
        self._require(at, source is not None, position)
        mask = both(both(mask or Full(), Valid()), SameSegment())
        return self.mix(x, at, mask, position or NoPosition(), source, source_at, cache)

    def mix(
        self,
        x: Tensor,
        at: Coords,
        mask: Mask,
        position: Position,
        source: Tensor | None,
        source_at: Coords | None,
        cache: Cache | None,
    ) -> Tensor:
        """The kind's own computation; arguments as in `forward`, complete."""
        raise NotImplementedError

    def new_cache(self, *, cross: bool = False) -> Cache:
        """An empty cache for decoding step by step; `cross`: for reading another stream. Overriding declares that the kind can."""
        raise NotImplementedError(f"{type(self).__name__} cannot decode step by step")

    def _require(self, at: Coords, cross: bool, position: Position | None) -> None:
        asked = set(position.hooks) if position is not None else set()
        asked |= {"segments"} if at.segment is not None else set()
        asked |= {"cross"} if cross else set()
        if missing := asked - self.provides:
            reasons = "; ".join(CAPABILITIES[word] for word in sorted(missing))
            raise ValueError(f"{type(self).__name__} does not provide {', '.join(sorted(missing))} ({reasons})")
