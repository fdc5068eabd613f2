"""The position family: six places where a scheme can act, each neutral unless overridden."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, TypeAlias

from torch import Tensor, nn

from blocks.coords import Coords
from registry import Need

Role: TypeAlias = Literal["query", "key"]

Stretch: TypeAlias = Literal["copy", "interpolate", "bicubic"]
"""How a table of learned positions becomes one of another size, see the kinds' `stretch`."""

_REASONS = {
    "mark": "it marks what queries and keys are projected from",
    "rotate": "it turns queries and keys",
    "bias": "it needs the score matrix",
    "content_bias": "it needs the score matrix and the vectors behind it",
    "content_value": "it needs the attention weights",
}


class Position(nn.Module):
    """Tells attention where tokens stand. What a scheme uses is derived from which hooks it overrides.

    hooks: those, but for `embed`; a scheme made of others declares none on its class, and each instance has its own.
    shared: one instance serves all layers of a stack; otherwise each layer has its own. A scheme whose constructor
    takes `earlier` is given its instance of the layer before (None for the first), to share parameters with it.
    relative: `bias` depends on differences of positions alone.
    length: how many positions the scheme has, None for no limit.
    grid: needs tokens that stand in a grid, as the patches of an image.
    """

    family: ClassVar[str] = "position"
    shared: bool = True
    relative: bool = False
    length: int | None = None
    grid: bool = False
    hooks: frozenset[str] = frozenset()
    needs: ClassVar[Iterable[Need]] = ()

    def __init__(self) -> None:
        super().__init__()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "hooks" in vars(cls):
            return
        cls.hooks = frozenset(name for name in _REASONS if getattr(cls, name) is not getattr(Position, name))
        needs = [Need("attention", hook, because) for hook, because in _REASONS.items() if hook in cls.hooks]
        # marks hold between two streams as well, each side with its own
        needs += [Need("cross_attention", "mark", _REASONS["mark"])] if "mark" in cls.hooks else []
        needs += [Need("embedding", "images", "it needs tokens that stand in a grid")] if cls.grid else []
        cls.needs = tuple(needs)

    def acts(self, place: str) -> bool:
        """Whether the scheme acts in a place: "embed", or one of the hooks."""
        return getattr(type(self), place) is not getattr(Position, place)

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        """Act on the embedded tokens, once, before the first layer. x: [b n m] -> [b n m]."""
        return x

    def mark(self, x: Tensor, at: Coords, role: Role) -> Tensor:
        """Act on what queries or keys are projected from, in each layer; values are not marked. x: [b n m] -> [b n m].

        Cross-attention is marked too, each stream by its own scheme.
        """
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

    def stretch(self, learned: Position, how: Stretch) -> None:
        """Take over what a scheme of the same kind has learned for another number of positions.

        Raises ValueError for a kind that cannot, or not in this way.
        """
        raise ValueError(f"{type(self).__name__} cannot take over positions from a table of another size")
