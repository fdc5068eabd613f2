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


def test_subtracts_slope_times_distance_to_both_sides() -> None:
    at = Coords.of(5)
    bias = Alibi(4).double().bias(at.queries(), at.keys())
    for h, slope in enumerate(slopes(4)):
        right = [[-slope * abs(i - j) for j in range(5)] for i in range(5)]
        torch.testing.assert_close(bias[0, h], torch.tensor(right, dtype=torch.float64), rtol=1e-12, atol=0)
