"""Feature maps against their formulas, gradients left to autograd."""

from __future__ import annotations

import pytest
import torch
from einops import rearrange
from torch import Tensor

from blocks.kernels import features
from blocks.kernels.features import elu_features, positive_features, random_products


def strided(b: int, h: int, n: int, d: int) -> Tensor:
    """As projections leave it: heads side by side in memory."""
    return rearrange(2 * torch.randn(b, n, h * d, dtype=torch.float64), "b n (h d) -> b h n d", h=h)


def test_elu_plus_one(same) -> None:
    x = strided(2, 3, 5, 4)
    x[0, 0, 0] = torch.tensor([0.0, -50.0, 50.0, 1e-3])

    def slow(t: Tensor) -> Tensor:
        return torch.where(t > 0, t + 1, torch.exp(t.clamp(max=0.0)))

    same(elu_features, slow, [x])
    assert elu_features(x).is_contiguous()


@pytest.mark.parametrize("block", [1, 1 << 18])
@pytest.mark.parametrize("eps", [0.0, 1e-2])
@pytest.mark.parametrize("per_row", [False, True])
def test_positive_features(same, monkeypatch: pytest.MonkeyPatch, per_row: bool, eps: float, block: int) -> None:
    monkeypatch.setattr(features, "_BLOCK", block)
    directions = torch.randn(7, 4, dtype=torch.float64)
    scale, stabiliser = 0.7, torch.randn(2, 3, 5 if per_row else 1, 1, dtype=torch.float64)

    def fast(x: Tensor) -> Tensor:
        return positive_features(x, directions, scale, random_products(x, directions, scale), stabiliser, eps)

    def slow(x: Tensor) -> Tensor:
        x = x * scale
        exponents = torch.einsum("b h n d, f d -> b h n f", x, directions) - (x * x).sum(-1, keepdim=True) / 2
        return (torch.exp(exponents - stabiliser) + eps) / 7**0.5

    same(fast, slow, [strided(2, 3, 5, 4)])


def test_autocast_leaves_the_exponents_alone() -> None:
    directions, x = torch.randn(7, 4), strided(1, 2, 5, 4).float().requires_grad_()

    def run() -> tuple[Tensor, Tensor]:
        products = random_products(x, directions, 0.7)
        out = positive_features(x, directions, 0.7, products, products.amax(-1, keepdim=True), 1e-4)
        return out, torch.autograd.grad(out.square().sum(), x)[0]

    expected = run()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = run()
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])
