"""Sublayers side by side."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from blocks.norm import RMSNorm
from blocks.placement import Parallel
from registry import build


@pytest.mark.parametrize(("norms", "count"), [("shared", 1), ("separate", 2)])
def test_all_sublayers_read_the_layer_s_input(norms: str, count: int) -> None:
    placement = build(partial(Parallel, norms=norms), dim=6, steps=2, norm=RMSNorm).double()  # type: ignore[arg-type]
    assert isinstance(placement, Parallel)
    assert len(placement.norms) == count
    with torch.no_grad():
        for parameter in placement.parameters():
            parameter.normal_()
    x = torch.randn(2, 3, 6, dtype=torch.float64)
    first, last = placement.norms[0], placement.norms[-1]
    right = x + torch.sin(first(x)) + torch.tanh(last(x))
    state = placement.step(1, placement.step(0, placement.open(x), torch.sin), torch.tanh)
    torch.testing.assert_close(placement.close(state), right, rtol=1e-12, atol=1e-12)
    assert placement.final_norm is True
