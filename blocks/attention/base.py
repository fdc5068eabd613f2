"""The attention family: tokens to tokens. A kind owns its projections, its head layout and its cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from blocks.attention.cache import Cache
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.masks import Causal, Either, Full, Mask, Prefix, SameSegment, Valid, Window, both, terms
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
    "mark": "lets a position scheme mark what queries and keys are projected from",
    "decode": "can decode step by step with a cache",
    "memory": "carries a memory from one segment of a text to the next",
    "weights": "can show its attention weights",
    "look_ahead": "as published, lets later tokens reach earlier ones a little under a causal mask too",
}
"""What an attention kind can declare in `provides`.

"decode" is declared by overriding `new_cache`, "weights" by overriding `weigh`.
"""


class Attention(nn.Module):
    """Maps tokens to tokens: [b n m] -> [b n m].

    provides: what the kind can do, words of CAPABILITIES; an instance whose options allow less says so itself.
    Kinds implement `mix`, and `weigh` where there are weights to look at.
    heads, head_dim: for the position scheme.
    start_as: a projection -> the one whose pre-trained weights it starts from, where those are of a kind without it.
    """

    family: ClassVar[str] = "attention"
    provides: frozenset[str] = frozenset()
    start_as: ClassVar[Mapping[str, str]] = {}
    heads: int
    head_dim: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if unknown := set(cls.provides) - set(CAPABILITIES):
            known = ", ".join(CAPABILITIES)
            raise TypeError(f"{cls.__name__}.provides has unknown words: {', '.join(sorted(unknown))}; known: {known}")
        if cls.new_cache is not Attention.new_cache:
            cls.provides = cls.provides | {"decode"}
        if cls.weigh is not Attention.weigh:
            cls.provides = cls.provides | {"weights"}

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
        Raises ValueError for a combination that the kind does not provide, TypeError for arguments of other types.
        """
        return self.mix(x, self._view(x, at, mask, position, source, source_at, cache))

    def weights(
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
        """The attention weights of `forward` with the same arguments, [b h q k], 0 where a key is invisible.

        cache: of a kind with a memory, which is then part of the keys and stays as it is. Raises NotImplementedError
        for kinds that have no weights, ValueError for the cache of another kind, and what `forward` raises.
        """
        if cache is not None and "memory" not in self.provides:
            raise ValueError(f"{type(self).__name__} shows the weights of a whole pass, without a cache")
        return self.weigh(x, self._view(x, at, mask, position, source, source_at, cache))

    def _view(
        self,
        x: Tensor,
        at: Coords | None,
        mask: Mask | None,
        position: Position | None,
        source: Tensor | None,
        source_at: Coords | None,
        cache: Cache | None,
    ) -> View:
        """The arguments of a call, completed and checked."""
        _refuse_strangers(x, at, mask, position, source)
        at = Coords.of(x.shape[1], device=x.device) if at is None else at
        if source is not None and source_at is None:
            source_at = Coords.of(source.shape[1], device=source.device)
        mask = mask or Full()
        self._require(at, source_at, mask, position)
        mask = both(both(mask, Valid()), SameSegment())
        return View(at, mask, position or NoPosition(), source, source_at, cache)

    def mix(self, x: Tensor, view: View) -> Tensor:
        """The kind's own computation. x: [b n m] -> [b n m]; `view` holds what else `forward` was given, complete."""
        raise NotImplementedError

    def weigh(self, x: Tensor, view: View) -> Tensor:
        """The weights behind `mix`, exact and by the plain way: [b h q k], over all keys. Leaves a cache as it is.

        Overriding this declares that the kind has them.
        """
        raise NotImplementedError(f"{type(self).__name__} has no attention weights to show")

    def new_cache(self, *, cross: bool = False) -> Cache:
        """An empty cache for decoding step by step, for reading another stream if `cross`.

        Overriding this declares that the kind can.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot decode step by step")

    def _require(self, at: Coords, source_at: Coords | None, mask: Mask, position: Position | None) -> None:
        asked = set(position.hooks) if position is not None else set()
        asked |= {"cross"} if source_at is not None else _asked_by(mask)
        asked |= {"segments"} if at.segment is not None else set()
        padded = at.valid is not None or (source_at is not None and source_at.valid is not None)
        asked |= {"padding"} if padded else set()
        if missing := asked - self.provides:
            reasons = "; ".join(CAPABILITIES[word] for word in sorted(missing))
            raise ValueError(f"{type(self).__name__} does not provide {', '.join(sorted(missing))} ({reasons})")


def _refuse_strangers(x: Tensor, at: Any, mask: Any, position: Any, source: Tensor | None) -> None:
    """Raises TypeError or ValueError for what people pass who know other libraries."""
    if x.dim() != 3:
        raise ValueError(f"x is [b n m], not a tensor of shape {list(x.shape)}")
    if source is not None and (source.dim() != 3 or source.shape[0] != x.shape[0]):
        raise ValueError(f"source is [b k m] with the {len(x)} rows of x, not a tensor of shape {list(source.shape)}")
    if not (at is None or isinstance(at, Coords)):
        raise TypeError(f"at is Coords, not {_words(at)}; for padding: Coords.of(n, valid=valid) with bool [b n]")
    if mask is not None and (isinstance(mask, type) or not hasattr(mask, "keys_only")):
        raise TypeError(f"mask is an object such as blocks.masks.Causal(), not {_words(mask)}; padding goes into `at`")
    if not (position is None or isinstance(position, Position)):
        raise TypeError(f"position is an object such as blocks.position.Rotary(head_dim), not {_words(position)}")


def _words(value: Any) -> str:
    return "a tensor" if isinstance(value, Tensor) else repr(value)


def _asked_by(mask: Mask) -> set[str]:
    """What a mask over the kind's own tokens asks of it; masks of other kinds are for `mix` to obey or refuse."""
    asked: set[str] = set()
    for term in terms(mask):
        match term:
            case Causal():
                asked.add("causal")
            case Either(Causal(), Prefix()):
                asked.add("prefix")
            case Window():
                asked.add("window")
    return asked if asked & {"causal", "prefix"} else asked | {"bidirectional"}
