from __future__ import annotations

import math

import pytest
import torch

from blocks.coords import Coords
from blocks.position import Sinusoidal
from blocks.position.sinusoidal import Layout


def wave(pos: int, column: int, dim: int, layout: Layout, base: float) -> float:
    half = dim // 2
    if layout == "interleaved":
        i, sine = column // 2, column % 2 == 0
    else:
        i, sine = column % half, column < half
    exponent = i / (half - 1) if layout == "tensor2tensor" else 2 * i / dim
    angle = pos / base**exponent
    return math.sin(angle) if sine else math.cos(angle)


@pytest.mark.parametrize("layout", ["interleaved", "halves", "tensor2tensor"])
@pytest.mark.parametrize("base", [10000.0, 50.0])
def test_adds_the_waves_of_the_formula(layout: Layout, base: float) -> None:
    x = torch.randn(2, 4, 6, dtype=torch.float64)
    found = Sinusoidal(6, layout=layout, base=base).embed(x, Coords.of(4, start=3)) - x
    waves = [[wave(pos + 3, c, 6, layout, base) for c in range(6)] for pos in range(4)]
    right = torch.tensor(waves, dtype=torch.float64).expand(2, -1, -1)
    torch.testing.assert_close(found, right, rtol=1e-10, atol=1e-12)


def test_refuses_an_odd_width() -> None:
    with pytest.raises(ValueError, match="needs an even width, got 5"):
        Sinusoidal(5)
