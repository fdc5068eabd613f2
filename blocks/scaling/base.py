"""The scaling family: slower rotations, so that a model reads further than it was first trained to."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


class Scaling(nn.Module):
    """Changes how fast rotary positions turn each pair of coordinates.

    attention: a factor on the turned queries and keys, and so its square on their products.
    """

    family: ClassVar[str] = "scaling"
    attention: float = 1.0

    def __init__(self) -> None:
        super().__init__()

    def slowed(self, rates: Tensor, base: float) -> Tensor:
        """rates: [i], angles per position of each pair of coordinates, base^(-2i/d) with d = 2 len(rates) -> [i]."""
        raise NotImplementedError
