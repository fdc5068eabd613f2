from __future__ import annotations

import pytest
import torch

from blocks.coords import Coords
from blocks.position import Alibi
from blocks.position.alibi import slopes


def test_slopes_of_a_power_of_two() -> None:
    assert slopes(8) == pytest.approx([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256])
    assert slopes(1) == [2**-8]


def test_slopes_of_other_counts_take_every_second_one_of_the_doubled_count() -> None:
    assert slopes(12) == pytest.approx([*slopes(8), *slopes(16)[0:8:2]])
    assert slopes(3) == pytest.approx([*slopes(2), slopes(4)[0]])


def test_the_steepest_slope_can_be_chosen() -> None:
    assert slopes(4, steepest=4.0) == pytest.approx([2**-1, 2**-2, 2**-3, 2**-4])
    assert slopes(3, steepest=4.0) == pytest.approx([2**-2, 2**-4, 2**-1])
    assert Alibi(3, steepest=4.0).slopes.tolist() == slopes(3, steepest=4.0)


def test_scaled_means_divided_as_the_products_are() -> None:
    at = Coords.of(5)
    plain, scaled = (scheme.bias(at.queries(), at.keys()) for scheme in (Alibi(4, 16), Alibi(4, 16, scaled=True)))
    torch.testing.assert_close(scaled, plain / 4, rtol=1e-12, atol=0)


def test_refuses_a_scale_without_a_width() -> None:
    with pytest.raises(ValueError, match="scaled by the width of a head, which is not known: give head_dim"):
        Alibi(4, scaled=True)


def test_rounded_products_are_those_of_bfloat16_counted_from_the_first_token() -> None:
    scheme, at = Alibi(6, rounded=True), Coords.of(400)
    assert not scheme.relative
    bias = scheme.bias(at.queries(), at.keys())
    for h, slope in enumerate(slopes(6)):
        products = torch.tensor(slope).bfloat16() * torch.arange(400)
        assert products.dtype == torch.bfloat16
        # each row less a constant of its own, which the softmax does not see
        right = products.double() - products.double()[:, None]
        torch.testing.assert_close(bias[0, h].tril(), right.tril(), rtol=1e-12, atol=0)
    exact = Alibi(6).bias(at.queries(), at.keys())
    assert (bias - exact).abs().max() > 0.1


def test_subtracts_slope_times_distance_to_both_sides() -> None:
    at = Coords.of(5)
    bias = Alibi(4).double().bias(at.queries(), at.keys())
    for h, slope in enumerate(slopes(4)):
        right = [[-slope * abs(i - j) for j in range(5)] for i in range(5)]
        torch.testing.assert_close(bias[0, h], torch.tensor(right, dtype=torch.float64), rtol=1e-12, atol=0)
