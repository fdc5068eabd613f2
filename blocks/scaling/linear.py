"""Position interpolation."""

from __future__ import annotations

from torch import Tensor

from blocks.scaling.base import Scaling
from registry import part
from registry.types import PositiveFloat


@part("scaling", "linear", paper="Chen et al. 2023, arXiv 2306.15595, section 2.3, equation 4")
class LinearScaling(Scaling):
    """Divides all angles by `factor`, as if tokens stood closer together."""

    def __init__(self, *, factor: PositiveFloat) -> None:
        super().__init__()
        self.factor = factor

    def slowed(self, rates: Tensor, base: float) -> Tensor:
        return rates / self.factor
