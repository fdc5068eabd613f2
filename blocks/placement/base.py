"""The placement family: where norms stand around the sublayers of a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

from torch import Tensor, nn

from blocks.init import Init
from registry import Build

Sublayer: TypeAlias = Callable[[Tensor], Tensor]


class Placement(nn.Module):
    """Wraps the sublayers of one layer: `close(step(1, step(0, open(x), attention), feedforward))`.

    The state between the calls is the placement's own. final_norm: whether a stack of such layers ends with a norm.
    own_init: the initialisation that is part of the method, if one is.
    """

    family: ClassVar[str] = "placement"
    final_norm: bool = True
    own_init: ClassVar[Build[Init] | None] = None

    def open(self, x: Tensor) -> Any:
        """x: [b n m], the stream that enters the layer -> state."""
        return x

    def step(self, number: int, state: Any, sublayer: Sublayer) -> Any:
        """Run one sublayer ([b n m] -> [b n m]); `number` counts the sublayers of the layer from 0."""
        raise NotImplementedError

    def close(self, state: Any) -> Tensor:
        """state -> [b n m], the stream that leaves the layer."""
        return state
