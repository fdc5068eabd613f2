from __future__ import annotations

import pytest
import torch

from blocks.norm import RMSNorm


@pytest.mark.parametrize("eps", [1e-6, 0.3])
def test_divides_by_the_root_mean_square_and_keeps_the_mean(eps: float) -> None:
    norm = RMSNorm(6, eps=eps).double()
    with torch.no_grad():
        norm.weight.normal_()
    x = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)
    way = torch.randn_like(x)
    found = norm(x)
    # the mean of the squares plus eps, under the root; the weight afterwards
    right = torch.stack([row / ((row * row).sum() / 6 + eps) ** 0.5 * norm.weight for row in x.reshape(-1, 6)]).reshape(
        2, 3, 6
    )
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)
    inputs = [x, norm.weight]
    for mine, slow in zip(
        torch.autograd.grad((found * way).sum(), inputs), torch.autograd.grad((right * way).sum(), inputs), strict=True
    ):
        torch.testing.assert_close(mine, slow, rtol=1e-9, atol=1e-10)


def test_a_constant_vector_is_not_centred() -> None:
    assert torch.allclose(RMSNorm(4, eps=1e-12).double()(torch.full((1, 4), 3.0).double()), torch.ones(1, 4).double())
