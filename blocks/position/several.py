"""Several position schemes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from torch import Tensor, nn

from blocks.coords import Coords
from blocks.position.base import Position, Role
from blocks.position.sinusoidal import Sinusoidal
from registry import Build, Need, build, part


@part("position", "several")
class Several(Position):
    """Position schemes together: each acts where it acts alone, in the order given; terms of the scores are summed.

    schemes: such as sinusoids at the input and rotary in every layer (PerformerLM). What attention must provide is
    what these need.
    """

    # of instances: what their schemes use
    hooks = frozenset()
    needs: ClassVar[Iterable[Need]] = ()

    def __init__(
        self,
        dim: int,
        heads: int,
        head_dim: int,
        causal: bool = False,
        earlier: Position | None = None,
        *,
        schemes: Sequence[Build[Position]] = (Sinusoidal,),
    ) -> None:
        super().__init__()
        before = earlier if isinstance(earlier, Several) else None
        self.first, self.width = before is None, (heads, head_dim)
        made: list[Position] = []
        for number, scheme in enumerate(schemes):
            mine = None if before is None else before.parts[number]
            if before is None or mine is None or not _serves(mine, before.width == self.width):
                mine = build(scheme, dim=dim, heads=heads, head_dim=head_dim, causal=causal, earlier=mine)
            made.append(mine)
        self.schemes = nn.ModuleList(made)
        self.hooks = frozenset().union(*(scheme.hooks for scheme in made))
        self.shared = all(scheme.shared for scheme in made)
        biasing = [scheme for scheme in made if "bias" in scheme.hooks]
        self.relative = bool(biasing) and all(scheme.relative for scheme in biasing)
        self.grid = any(scheme.grid for scheme in made)
        self.length = min((scheme.length for scheme in made if scheme.length is not None), default=None)

    @property
    def parts(self) -> Sequence[Position]:
        """The schemes, in order."""
        return list(self.schemes)  # type: ignore[arg-type]

    def acts(self, place: str) -> bool:
        # what is added to the stream is added once, however many layers have an instance of their own
        return any(scheme.acts(place) for scheme in self.parts) and (self.first or place != "embed")

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        for scheme in self.parts if self.first else ():
            x = scheme.embed(x, at)
        return x

    def mark(self, x: Tensor, at: Coords, role: Role) -> Tensor:
        for scheme in self.parts:
            x = scheme.mark(x, at, role)
        return x

    def rotate(self, t: Tensor, at: Coords, role: Role) -> Tensor:
        for scheme in self.parts:
            t = scheme.rotate(t, at, role)
        return t

    def bias(self, q: Coords, k: Coords) -> Tensor | None:
        return self._sum("bias", lambda scheme: scheme.bias(q, k))

    def content_bias(self, q: Tensor, k: Tensor, q_at: Coords, k_at: Coords, allowed: Tensor | None) -> Tensor | None:
        return self._sum("content_bias", lambda scheme: scheme.content_bias(q, k, q_at, k_at, allowed))

    def content_value(self, weights: Tensor, q_at: Coords, k_at: Coords) -> Tensor | None:
        return self._sum("content_value", lambda scheme: scheme.content_value(weights, q_at, k_at))

    def _sum(self, hook: str, term: Callable[[Position], Tensor | None]) -> Tensor | None:
        total: Tensor | None = None
        for scheme in self.parts:
            if (added := term(scheme) if hook in scheme.hooks else None) is not None:
                total = added if total is None else total + added
        return total


def _serves(scheme: Position, same_width: bool) -> bool:
    """Whether an earlier layer's instance serves this layer too: it is shared, and its heads are as wide if it asks."""
    return scheme.shared and (same_width or not scheme.hooks)
