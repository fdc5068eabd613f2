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


def test_the_first_position_can_be_another() -> None:
    x = torch.zeros(1, 4, 6, dtype=torch.float64)
    here, later = Sinusoidal(6, offset=2).embed(x, Coords.of(4)), Sinusoidal(6).embed(x, Coords.of(4, start=2))
    assert torch.equal(here, later)


@pytest.mark.parametrize("layout", ["interleaved", "halves", "tensor2tensor"])
def test_stored_rows_are_the_same_waves_and_are_not_trained(layout: Layout) -> None:
    scheme, x = Sinusoidal(6, layout=layout, offset=2, stored=9), torch.randn(2, 4, 6)
    torch.testing.assert_close(
        scheme.embed(x, Coords.of(4, start=5)), Sinusoidal(6, layout=layout, offset=2).embed(x, Coords.of(4, start=5))
    )
    assert [(n, p.shape, p.requires_grad) for n, p in scheme.named_parameters()] == [("table", (9, 6), False)]
    assert scheme.length == 9


def test_stored_rows_are_those_that_were_loaded() -> None:
    scheme, rows = Sinusoidal(6, stored=9).double(), torch.randn(9, 6)
    scheme.load_state_dict({"table": rows})
    found = scheme.embed(torch.zeros(1, 4, 6).double(), Coords.of(4, start=5))
    assert torch.equal(found[0], rows[5:].double())


def test_refuses_a_position_beyond_the_stored_ones() -> None:
    with pytest.raises(ValueError, match="'sinusoidal' has 9 positions, the input has 10: raise its `stored`"):
        Sinusoidal(6, stored=9).embed(torch.zeros(1, 2, 6), Coords.of(2, start=8))


def test_refuses_an_odd_width() -> None:
    with pytest.raises(ValueError, match="needs an even width, got 5"):
        Sinusoidal(5)
