from __future__ import annotations

import pytest
import torch
from torch import Tensor

from blocks.norm import LayerNorm
from blocks.norm.weight import Form


def reference(x: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> Tensor:
    rows = []
    for row in x.reshape(-1, x.shape[-1]):
        mean = row.sum() / len(row)
        variance = ((row - mean) ** 2).sum() / len(row)
        rows.append((row - mean) / torch.sqrt(variance + eps) * weight + (0 if bias is None else bias))
    return torch.stack(rows).reshape(x.shape)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_subtracts_the_mean_and_divides_by_the_biased_deviation(eps: float, bias: bool) -> None:
    norm = LayerNorm(6, eps=eps, bias=bias).double()
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.normal_()
    x = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)
    inputs = [x, *norm.parameters()]
    way = torch.randn_like(x)
    found = norm(x)
    right = reference(x, norm.weight, norm.bias, eps)
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)
    for mine, slow in zip(
        torch.autograd.grad((found * way).sum(), inputs), torch.autograd.grad((right * way).sum(), inputs), strict=True
    ):
        torch.testing.assert_close(mine, slow, rtol=1e-9, atol=1e-10)


def test_starts_neutral() -> None:
    assert LayerNorm(3).weight.tolist() == [1, 1, 1]
    assert LayerNorm(3).bias.tolist() == [0, 0, 0]  # type: ignore[union-attr]
    assert LayerNorm(3, bias=False).bias is None


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("weight", ["one_plus", "none"])
def test_the_weight_can_be_added_to_one_or_be_absent(weight: Form, bias: bool) -> None:
    norm, x = LayerNorm(6, weight=weight, bias=bias).double(), torch.randn(2, 3, 6, dtype=torch.float64)
    ones = torch.ones(6, dtype=torch.float64)
    torch.testing.assert_close(norm(x), reference(x, ones, None, 1e-5), rtol=1e-12, atol=1e-12)
    assert {name for name, _ in norm.named_parameters()} == {*["weight"] * (weight == "one_plus"), *["bias"] * bias}
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.normal_()
    factor = ones if norm.weight is None else 1 + norm.weight
    torch.testing.assert_close(norm(x), reference(x, factor, norm.bias, 1e-5), rtol=1e-12, atol=1e-12)


def test_half_precision_is_rounded_once() -> None:
    norm = LayerNorm(64, weight="one_plus").bfloat16()
    assert norm.weight is not None and norm.bias is not None
    norm.weight.data.uniform_(0.001, 0.01)
    norm.bias.data.normal_()
    x = torch.randn(50, 64, dtype=torch.bfloat16)
    right = reference(x.double(), 1 + norm.weight.double(), norm.bias.double(), 1e-5)
    assert (norm(x) == right.bfloat16()).float().mean() > 0.99
