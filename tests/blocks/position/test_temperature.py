from __future__ import annotations

import math

import pytest
import torch

from blocks.coords import Coords
from blocks.position import Temperature


@pytest.mark.parametrize("start", [0, 1])
def test_queries_grow_once_every_length_and_keys_do_not(start: int) -> None:
    scheme, at = Temperature(length=3, growth=0.5, start=start), Coords.of(8, start=4)
    t = torch.randn(2, 3, 8, 6, dtype=torch.float64)
    found = scheme.rotate(t, at, "query")
    for n in range(8):
        factor = 1 + 0.5 * math.log(1 + (n + 4 + start) // 3)
        torch.testing.assert_close(found[:, :, n], factor * t[:, :, n], rtol=1e-12, atol=0)
    assert torch.equal(scheme.rotate(t, at, "key"), t)


def test_short_texts_are_left_as_they_are() -> None:
    t = torch.randn(1, 1, 5, 4)
    assert torch.equal(Temperature(length=5).rotate(t, Coords.of(5), "query"), t)
