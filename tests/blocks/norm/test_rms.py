from __future__ import annotations

import pytest
import torch

from blocks.norm import RMSNorm
from blocks.norm.weight import Form


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


@pytest.mark.parametrize("weight", ["one_plus", "none"])
def test_the_weight_can_be_added_to_one_or_be_absent(weight: Form) -> None:
    norm, x = RMSNorm(6, weight=weight).double(), torch.randn(2, 3, 6, dtype=torch.float64)
    plain = RMSNorm(6).double()
    torch.testing.assert_close(norm(x), plain(x), rtol=1e-12, atol=1e-12)
    assert len(list(norm.parameters())) == (weight == "one_plus")
    if norm.weight is not None:
        norm.weight.data.normal_()
        torch.testing.assert_close(norm(x), plain(x) * (1 + norm.weight), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weight", ["plain", "one_plus"])
def test_half_precision_is_rounded_once(weight: Form) -> None:
    norm = RMSNorm(64, weight=weight).bfloat16()
    assert norm.weight is not None
    # 1 + w in bfloat16 would lose most digits of such a w
    norm.weight.data.uniform_(0.001, 0.01)
    x = torch.randn(50, 64, dtype=torch.bfloat16)
    factor = norm.weight.double() + (weight == "one_plus")
    right = x.double() * (x.double().square().mean(-1, keepdim=True) + 1e-6).rsqrt() * factor
    assert (norm(x) == right.bfloat16()).float().mean() > 0.99
