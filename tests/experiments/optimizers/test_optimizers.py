"""Which parameters decay, and that the built optimizers are torch's own with our numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from experiments.optimizers import SGD, Adam, AdamW
from experiments.optimizers.base import decay_groups


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.norm = nn.LayerNorm(3)
        self.inner = nn.Linear(3, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight
        self.kernel = nn.Parameter(torch.zeros(2, 3, 4))
        self.scale = nn.Parameter(torch.zeros(()))
        self.frozen = nn.Parameter(torch.zeros(3, 3), requires_grad=False)


def names(model: nn.Module, params: list[nn.Parameter]) -> set[str]:
    return {n for n, p in model.named_parameters() if any(p is q for q in params)}


def test_decay_groups() -> None:
    model = Model()
    decays, stays = decay_groups(model, 0.3)
    assert names(model, decays["params"]) == {"embedding.weight", "inner.weight", "kernel"}
    assert names(model, stays["params"]) == {"norm.weight", "norm.bias", "inner.bias", "scale"}
    assert (decays["weight_decay"], stays["weight_decay"]) == (0.3, 0.0)
    # the tied weight is there once
    assert len(decays["params"]) == 3
    assert len(decay_groups(nn.Linear(2, 2, bias=False), 0.1)) == 1


def test_adamw_one_step_by_hand() -> None:
    """After one step from zero moments: w <- (1 - lr * decay) * w - lr * g / (|g| + eps)."""
    model = nn.Linear(2, 1).double()
    weight, bias = model.weight.detach().clone(), model.bias.detach().clone()
    optimizer = AdamW(lr=0.01, weight_decay=0.5).build(model)
    model.weight.grad, model.bias.grad = torch.tensor([[2.0, -3.0]]).double(), torch.tensor([4.0]).double()
    optimizer.step()
    torch.testing.assert_close(
        model.weight.detach(), weight * (1 - 0.005) - 0.01 * torch.tensor([[1.0, -1.0]]).double()
    )
    torch.testing.assert_close(model.bias.detach(), bias - 0.01)


@pytest.mark.parametrize(
    ("part", "cls", "values"),
    [
        (AdamW(lr=0.1, beta1=0.8, beta2=0.9, eps=1e-6), torch.optim.AdamW, {"betas": (0.8, 0.9), "eps": 1e-6}),
        (Adam(lr=0.1), torch.optim.Adam, {"betas": (0.9, 0.98), "eps": 1e-9, "weight_decay": 0}),
        (SGD(lr=0.1, momentum=0.5, nesterov=True), torch.optim.SGD, {"momentum": 0.5, "nesterov": True}),
    ],
)
def test_built(part: Any, cls: type, values: dict[str, Any]) -> None:
    model = Model()
    built = part.build(model)
    assert type(built) is cls
    for group in built.param_groups:
        assert group["lr"] == 0.1
        assert group["fused"]
        assert all(group[k] == v for k, v in values.items())
        assert not any(p is model.frozen for p in group["params"])
    assert not any(group["fused"] for group in part.build(model, scaled=True).param_groups)


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(ValueError, match="nesterov needs a momentum above 0"):
        SGD(momentum=0.0, nesterov=True)
