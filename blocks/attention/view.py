"""What an attention kind is given beside the tokens: where they stand, what they may see, what was seen before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from blocks.attention.cache import Cache, KeyValueCache, SourceCache
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask, terms
from blocks.position import NoPosition, Position


@dataclass(frozen=True)
class View:
    """One call of an attention kind.

    at: coordinates of the tokens. mask: visibility. position: the scheme whose hooks are to be called.
    source, source_at: another stream to read, [b k m], and its coordinates. cache: what earlier calls left.
    """

    at: Coords
    mask: Mask = field(default_factory=Full)
    position: Position = field(default_factory=NoPosition)
    source: Tensor | None = None
    source_at: Coords | None = None
    cache: Cache | None = None

    @property
    def causal(self) -> bool:
        """Whether no token may see later ones."""
        return self.source is None and any(isinstance(term, Causal) for term in terms(self.mask))

    def marked(self, x: Tensor) -> Tensor:
        """What queries are projected from. x: [b n m]. Keys are projected from `position.mark(read, at, "key")`."""
        return self.position.mark(x, self.at, "query")

    def read(self, x: Tensor) -> Tensor:
        """What keys and values are made of: the tokens themselves, or the other stream."""
        return x if self.source is None else self.source

    @property
    def read_at(self) -> Coords:
        """Coordinates of what is read."""
        return self.at if self.source_at is None else self.source_at

    def keys_and_values(
        self, x: Tensor, project: Callable[[Tensor, Coords], tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, Tensor, Coords]:
        """Keys and values [b g k d] of all that x may see, the cache's included, and their coordinates.

        project: makes keys and values of tokens at coordinates. Another stream is projected once and then remembered.
        """
        cache = self.cache
        if isinstance(cache, SourceCache) and cache.k is not None and cache.v is not None:
            return cache.k, cache.v, self.read_at
        k, v = project(self.read(x), self.read_at)
        if isinstance(cache, SourceCache):
            cache.fill(k, v)
        elif isinstance(cache, KeyValueCache):
            return cache.extend(k, v, self.at)
        return k, v, self.read_at
