from __future__ import annotations

import math
from functools import partial
from typing import Literal

import pytest
import torch

from blocks.coords import Coords
from blocks.position import Rotary
from blocks.scaling import LinearScaling, Scaling


@pytest.mark.parametrize("fraction", [1.0, 0.5])
@pytest.mark.parametrize("layout", ["halves", "interleaved"])
def test_turns_pairs_by_angles_that_grow_with_the_position(
    layout: Literal["halves", "interleaved"], fraction: float
) -> None:
    d, base = 8, 100.0
    width = int(d * fraction)
    t = torch.randn(2, 3, 5, d, dtype=torch.float64)
    found = Rotary(d, base=base, layout=layout, fraction=fraction).rotate(t, Coords.of(5, start=2), "query")
    right = t.clone()
    for i in range(width // 2):
        a, b = (i, i + width // 2) if layout == "halves" else (2 * i, 2 * i + 1)
        for n in range(5):
            # frequencies are those of the width that is turned
            angle = (n + 2) * base ** (-2 * i / width)
            x, y = t[:, :, n, a], t[:, :, n, b]
            right[:, :, n, a] = x * math.cos(angle) - y * math.sin(angle)
            right[:, :, n, b] = x * math.sin(angle) + y * math.cos(angle)
    torch.testing.assert_close(found, right, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layout", ["halves", "interleaved"])
def test_reversed_pairs_turn_as_those_before_the_start_would(layout: Literal["halves", "interleaved"]) -> None:
    t, ahead = torch.randn(2, 3, 5, 8, dtype=torch.float64), Coords.of(5)
    behind = Coords(ahead.index, -ahead.pos)
    back = Rotary(8, layout=layout, fraction=0.5, reverse=True).rotate(t, ahead, "key")
    assert torch.equal(back, Rotary(8, layout=layout, fraction=0.5).rotate(t, behind, "key"))


@pytest.mark.parametrize("layout", ["halves", "interleaved"])
def test_products_depend_on_distances_alone(layout: Literal["halves", "interleaved"]) -> None:
    rotary, q, k = Rotary(8, layout=layout), *(torch.randn(1, 1, 6, 8, dtype=torch.float64) for _ in range(2))

    def products(start: int) -> torch.Tensor:
        at = Coords.of(6, start=start)
        return rotary.rotate(q, at, "query") @ rotary.rotate(k, at, "key").mT

    torch.testing.assert_close(products(0), products(1000), rtol=1e-9, atol=1e-9)


def test_angles_of_far_positions_are_not_rounded_in_half_precision() -> None:
    t = torch.ones(1, 1, 1, 8, dtype=torch.bfloat16)
    found = Rotary(8).rotate(t, Coords.of(1, start=4099), "query").double()
    right = Rotary(8).rotate(t.double(), Coords.of(1, start=4099), "query")
    torch.testing.assert_close(found, right, rtol=0.02, atol=0.02)


def test_the_turned_width_is_rounded_down() -> None:
    assert Rotary(18, fraction=0.7).width == 12


@pytest.mark.parametrize("layout", ["halves", "interleaved"])
def test_a_scaling_changes_the_angles_and_the_loudness(layout: Literal["halves", "interleaved"]) -> None:
    class Odd(Scaling):
        attention = 1.5

        def slowed(self, rates: torch.Tensor, base: float) -> torch.Tensor:
            assert base == 100.0
            torch.testing.assert_close(rates, 100.0 ** (-torch.arange(3.0).double() / 3))
            return rates / torch.tensor([1.0, 2.0, 5.0])

    t = torch.randn(1, 2, 4, 8, dtype=torch.float64)
    found = Rotary(8, base=100.0, layout=layout, fraction=0.75, scaling=Odd).rotate(t, Coords.of(4, start=3), "key")
    right = t.clone()
    for i, slower in enumerate((1, 2, 5)):
        a, b = (i, i + 3) if layout == "halves" else (2 * i, 2 * i + 1)
        for n in range(4):
            angle = (n + 3) * 100.0 ** (-i / 3) / slower
            x, y = t[:, :, n, a], t[:, :, n, b]
            right[:, :, n, a] = 1.5 * (x * math.cos(angle) - y * math.sin(angle))
            right[:, :, n, b] = 1.5 * (x * math.sin(angle) + y * math.cos(angle))
    torch.testing.assert_close(found, right, rtol=1e-10, atol=1e-12)


def test_two_schemes_share_coordinates_without_sharing_angles() -> None:
    t, at = torch.randn(1, 1, 4, 8, dtype=torch.float64), Coords.of(4)
    slow = Rotary(8, scaling=partial(LinearScaling, factor=2.0))
    plain = Rotary(8).rotate(t, at, "query")
    assert not torch.equal(slow.rotate(t, at, "query"), plain)
    assert torch.equal(Rotary(8).rotate(t, at, "query"), plain)


def test_refuses_an_odd_width() -> None:
    with pytest.raises(ValueError, match="3 of the 6 coordinates of a head is not even"):
        Rotary(6, fraction=0.5)
