"""NTK-aware interpolation."""

from __future__ import annotations

from torch import Tensor

from blocks.scaling.base import Scaling
from registry import part
from registry.types import PositiveFloat


@part("scaling", "ntk", paper="Peng et al. 2023 (YaRN), arXiv 2309.00071, section 3.1 (after bloc97, 2023)")
class NTKScaling(Scaling):
    """Raises the base to base * factor^(d/(d-2)): the slowest pair turns `factor` times slower, the fastest as before.

    What other libraries call dynamic has factor * n / length - (factor - 1) in place of `factor`, with n tokens read so
    far and `length` those of training. Keys that a cache holds were then turned at other speeds than new ones, so it
    is not offered: give the factor of the longest text that is to be read.
    """

    def __init__(self, *, factor: PositiveFloat) -> None:
        super().__init__()
        self.factor = factor

    def slowed(self, rates: Tensor, base: float) -> Tensor:
        d = 2 * len(rates)
        if d == 2:
            raise ValueError("scaling 'ntk' leaves the fastest pair as it is: one pair alone cannot be scaled")
        raised = base * self.factor ** (d / (d - 2))
        steps = rates.new_tensor(range(0, d, 2))
        return raised ** (-steps / d)
