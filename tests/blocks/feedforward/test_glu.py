from __future__ import annotations

import pytest
import torch

from blocks.feedforward import Glu, Mlp
from registry.part import declared


@pytest.mark.parametrize("bias", [True, False])
def test_is_a_hidden_vector_gated_by_another(bias: bool) -> None:
    glu = Glu(6, hidden=10, activation="silu", bias=bias).double()
    x = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)
    gate, inner = (x @ part.weight.T + (part.bias if bias else 0) for part in (glu.gate, glu.inner))
    right = (gate / (1 + torch.exp(-gate)) * inner) @ glu.outer.weight.T + (glu.outer.bias if bias else 0)
    found = glu(x)
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)
    way, inputs = torch.randn_like(found), [x, *glu.parameters()]
    for mine, slow in zip(
        torch.autograd.grad((found * way).sum(), inputs), torch.autograd.grad((right * way).sum(), inputs), strict=True
    ):
        torch.testing.assert_close(mine, slow, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("kind", "activation"), [("swiglu", "silu"), ("geglu", "gelu"), ("reglu", "relu")])
def test_the_names_fix_the_activation(kind: str, activation: str) -> None:
    found = declared()["feedforward", kind]
    assert found.target is Glu
    assert found.fixed == {"activation": activation}


def test_the_usual_width_has_as_many_parameters_as_an_mlp() -> None:
    for dim in (48, 96, 768):
        glu, mlp = (sum(p.numel() for p in made.parameters()) for made in (Glu(dim), Mlp(dim, bias=False)))
        assert glu == pytest.approx(mlp, rel=0.05)
        assert Glu(dim).inner.out_features % 8 == 0
    assert Glu(6).inner.out_features == 16


def test_dropout_acts_in_training_only() -> None:
    glu, x = Glu(6, dropout=0.5).double(), torch.randn(4, 6, dtype=torch.float64)
    assert not torch.equal(glu(x), glu(x))
    assert torch.equal(glu.eval()(x), glu(x))
