"""The embedding family: what turns a batch into the stream that enters the first layer."""

from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn

from blocks.coords import Coords


class Embedding(nn.Module):
    """ids: int [b n] -> [b n m]. `weight` is the table [v m] that a tied head shares."""

    family: ClassVar[str] = "embedding"

    @property
    def weight(self) -> Tensor:
        raise NotImplementedError

    def forward(self, ids: Tensor, at: Coords, place: Callable[[Tensor, Coords], Tensor]) -> Tensor:
        """`place` adds what the position scheme adds at the input."""
        raise NotImplementedError
