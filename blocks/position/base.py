"""The position family: five places where a scheme can act, each neutral unless overridden."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, TypeAlias

from torch import Tensor, nn

from blocks.coords import Coords
from registry import Need

Role: TypeAlias = Literal["query", "key"]

_REASONS = {
    "rotate": "it turns queries and keys",
    "bias": "it needs the score matrix",
    "content_bias": "it needs the score matrix and the vectors behind it",
    "content_value": "it needs the attention weights",
}


class Position(nn.Module):
    """Tells attention where tokens stand. What a scheme uses is derived from which hooks it overrides.

    shared: one instance serves all layers of a stack; otherwise each layer has its own.
    relative: `bias` depends on differences of positions alone.
    length: how many positions the scheme has, None for no limit.
    """

    family: ClassVar[str] = "position"
    shared: bool = True
    relative: ClassVar[bool] = False
    length: int | None = None
    hooks: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Iterable[Need]] = ()

    def __init__(self) -> None:
        super().__init__()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.hooks = frozenset(name for name in _REASONS if getattr(cls, name) is not getattr(Position, name))
        cls.needs = tuple(Need("attention", hook, because) for hook, because in _REASONS.items() if hook in cls.hooks)

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        """Act on the embedded tokens, once, before the first layer. x: [b n m] -> [b n m]."""
        return x

    def rotate(self, t: Tensor, at: Coords, role: Role) -> Tensor:
        """Act on queries or keys. t: [b h n d] -> [b h n d]."""
        return t

    def bias(self, q: Coords, k: Coords) -> Tensor | None:
        """A term added to the scaled scores, from coordinates alone and elementwise.

        q, k: coordinates whose fields broadcast to [b ...] -> [b|1 h ...].
        """
        return None

    def content_bias(self, q: Tensor, k: Tensor, q_at: Coords, k_at: Coords, allowed: Tensor | None) -> Tensor | None:
        """A term that joins the products q.k before they are scaled.

        q: [b h q d]; k: [b h k d]; allowed: [b|1 q k], or None for all -> [b h q k].
        """
        return None

    def content_value(self, weights: Tensor, q_at: Coords, k_at: Coords) -> Tensor | None:
        """A term added to the attention's output. weights: [b h q k] -> [b h q d]."""
        return None
