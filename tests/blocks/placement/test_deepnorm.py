"""DeepNorm's coefficients, by the formulas of its figure 2."""

from __future__ import annotations

import pytest
import torch

from blocks.depth import Stream, coefficients
from blocks.init import DeepNormInit
from blocks.norm import LayerNorm
from blocks.placement import DeepNorm

# stream, N encoder layers, M decoder layers, alpha, beta
CASES: list[tuple[Stream, int, int, float, float]] = [
    ("encoder", 6, 0, (2 * 6) ** (1 / 4), (8 * 6) ** (-1 / 4)),
    ("decoder", 0, 18, (2 * 18) ** (1 / 4), (8 * 18) ** (-1 / 4)),
    ("encoder", 6, 18, 0.81 * (6**4 * 18) ** (1 / 16), 0.87 * (6**4 * 18) ** (-1 / 16)),
    ("decoder", 6, 18, (3 * 18) ** (1 / 4), (12 * 18) ** (-1 / 4)),
]


@pytest.mark.parametrize(("stream", "n", "m", "alpha", "beta"), CASES)
def test_coefficients(stream: Stream, n: int, m: int, alpha: float, beta: float) -> None:
    assert coefficients(stream, n, m) == pytest.approx((alpha, beta), rel=1e-12)


def test_a_thousand_layers_have_the_published_numbers() -> None:
    alpha, beta = coefficients("encoder", 500, 0)
    assert alpha == pytest.approx(5.6234, abs=1e-4)
    assert beta == pytest.approx(0.12574, abs=1e-5)


@pytest.mark.parametrize(("stream", "n", "m", "alpha", "beta"), CASES)
def test_is_a_post_norm_with_a_weighted_residual(stream: Stream, n: int, m: int, alpha: float, beta: float) -> None:
    placement = DeepNorm(6, 2, LayerNorm, stream, n, m).double()
    norm = LayerNorm(6).double()
    x = torch.randn(2, 3, 6, dtype=torch.float64)
    once = norm(alpha * x + torch.sin(x))
    right = norm(alpha * once + torch.tanh(once))
    state = placement.step(1, placement.step(0, placement.open(x), torch.sin), torch.tanh)
    torch.testing.assert_close(placement.close(state), right, rtol=1e-12, atol=1e-12)
    assert placement.final_norm is False
    assert placement.own_init is DeepNormInit
