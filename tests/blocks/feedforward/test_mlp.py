from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from blocks.activations import XIELU, Activation
from blocks.feedforward import Glu, Mlp
from blocks.norm import LayerNorm


def gelu(x: Tensor) -> Tensor:
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def gelu_tanh(x: Tensor) -> Tensor:
    return x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


FORMULAS = {
    "relu": lambda x: torch.where(x > 0, x, 0.0),
    "relu2": lambda x: torch.where(x > 0, x, 0.0) ** 2,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "quick_gelu": lambda x: x / (1 + torch.exp(-1.702 * x)),
    "silu": lambda x: x / (1 + torch.exp(-x)),
    "tanh": lambda x: (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x)),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", FORMULAS)
def test_is_two_maps_with_an_activation_between(activation: Activation, bias: bool) -> None:
    mlp = Mlp(6, hidden=10, activation=activation, bias=bias).double()
    x = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)
    inner = x @ mlp.inner.weight.T + (mlp.inner.bias if bias else 0)
    right = FORMULAS[activation](inner) @ mlp.outer.weight.T + (mlp.outer.bias if bias else 0)
    found = mlp(x)
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)
    way, inputs = torch.randn_like(found), [x, *mlp.parameters()]
    for mine, slow in zip(
        torch.autograd.grad((found * way).sum(), inputs), torch.autograd.grad((right * way).sum(), inputs), strict=True
    ):
        torch.testing.assert_close(mine, slow, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", [Mlp, Glu])
def test_what_enters_the_last_map_may_be_normed(kind: type[Mlp | Glu]) -> None:
    x = torch.randn(2, 3, 6, dtype=torch.float64)
    normed, plain = (kind(6, hidden=10, bias=False, sub_norm=norm).double() for norm in (LayerNorm, None))
    plain.load_state_dict({name: t for name, t in normed.state_dict().items() if "sub_norm" not in name})
    plain.outer = torch.nn.Identity()  # type: ignore[assignment]
    right = torch.nn.functional.layer_norm(plain(x), (10,)) @ normed.outer.weight.T
    torch.testing.assert_close(normed(x), right, rtol=1e-12, atol=1e-12)


def test_is_four_times_as_wide_inside_unless_told() -> None:
    assert Mlp(6).inner.weight.shape == (24, 6)
    assert Mlp(6, hidden=7).inner.weight.shape == (7, 6)


def test_dropout_acts_in_training_only() -> None:
    mlp, x = Mlp(6, dropout=0.5).double(), torch.randn(4, 6, dtype=torch.float64)
    assert not torch.equal(mlp(x), mlp(x))
    assert torch.equal(mlp.eval()(x), mlp(x))


def test_xielu_bends_either_side_by_a_number_that_is_learned() -> None:
    activation = Mlp(6, activation="xielu").activation
    assert isinstance(activation, XIELU)
    x = torch.linspace(-3, 3, 24, dtype=torch.float64)
    right = torch.where(x > 0, 0.8 * x * x, 0.8 * (torch.exp(x) - 1 - x)) + x / 2
    torch.testing.assert_close(activation(x), right, rtol=1e-6, atol=1e-6)
    activation = activation.double()
    with torch.no_grad():
        activation.alpha_p.fill_(0.3)
        activation.alpha_n.fill_(-0.7)
    a, b = math.log(1 + math.exp(0.3)), 0.5 + math.log(1 + math.exp(-0.7))
    right = torch.where(x > 0, a * x * x, b * (torch.exp(x) - 1 - x)) + x / 2
    torch.testing.assert_close(activation(x), right, rtol=1e-12, atol=1e-12)
