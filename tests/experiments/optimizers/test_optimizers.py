"""Which parameters decay, and that the built optimizers are torch's own with our numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from experiments.optimizers import SGD, Adam, AdamW
from experiments.optimizers.base import decay_groups, layer_groups, learning_rate
from experiments.schedules import WarmupCosine
from registry import assemble


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
    assert not any(group["fused"] for group in part.build(model, mixed=True).param_groups)


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(ValueError, match="nesterov needs a momentum above 0"):
        SGD(momentum=0.0, nesterov=True)


LAYERS = {"dim": 8, "layers": 3, "heads": 2, "vocab": 7, "position": {"kind": "learned", "length": 9}}


def rates(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """The learning rate of each parameter by its name; each is in just one group."""
    of = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(trained)
    return {name: of[id(p)] for name, p in trained.items()}


@pytest.mark.parametrize("kind", [Adam, AdamW, SGD])
def test_each_layer_learns_more_slowly_than_the_one_above(kind: Any) -> None:
    model = assemble({"topology": "encoder", **LAYERS, "head": {"kind": "classification", "classes": 2}})
    optimizer = kind(lr=0.1, layer_decay=0.5).build(model)
    found = rates(model, optimizer)
    for name, rate in found.items():
        below = {"head": 0, "embedding": 4}.get(name.split(".")[0])
        if below is None:
            below = {"norm": 0, "positions": 4}.get(name.split(".")[1])
        if below is None:
            below = 3 - int(name.split(".")[2])
        assert rate == pytest.approx(0.1 * 0.5**below), name
    decays = {
        name: group.get("weight_decay") for group in optimizer.param_groups for name in names(model, group["params"])
    }
    plain = {
        n: g.get("weight_decay") for g in kind(lr=0.1).build(model).param_groups for n in names(model, g["params"])
    }
    assert decays == plain
    assert learning_rate(optimizer) == pytest.approx(0.1)


def test_both_stacks_count_from_their_own_top_and_what_acts_in_all_layers_from_none() -> None:
    sizes = LAYERS | {"position": "t5", "encoder": {"layers": 2}}
    model = assemble({"topology": "encoder_decoder", **sizes})
    found = rates(model, AdamW(lr=1.0, layer_decay=0.5).build(model))
    assert found["encoder.layers.1.attention.query.weight"] == found["decoder.layers.2.cross.query.weight"] == 0.5
    assert found["encoder.layers.0.attention.query.weight"] == found["decoder.layers.1.attention.query.weight"] == 0.25
    assert found["embedding.table.weight"] == 0.5**4
    assert {rate for name, rate in found.items() if "positions" in name} == {1.0}


def test_schedules_multiply_the_rate_of_each_layer_and_the_top_is_told() -> None:
    model = assemble({"topology": "decoder", **LAYERS})
    for parameter in model.stack.norm.parameters():
        parameter.requires_grad = False
    optimizer = AdamW(lr=0.1, layer_decay=0.5).build(model)
    # with a tied head and that norm frozen, nothing at the top is trained
    assert max(rates(model, optimizer).values()) == 0.05
    schedule = WarmupCosine(warmup=4).build(optimizer, 8)
    plain = AdamW(lr=0.1).build(model)
    other = WarmupCosine(warmup=4).build(plain, 8)
    for _ in range(6):
        assert learning_rate(optimizer) == pytest.approx(plain.param_groups[0]["lr"])
        assert rates(model, optimizer)["embedding.table.weight"] == pytest.approx(0.5**4 * plain.param_groups[0]["lr"])
        optimizer.step()
        plain.step()
        schedule.step()
        other.step()


def test_without_decay_the_groups_are_as_ever() -> None:
    model = Model()
    assert layer_groups(model, decay_groups(model, 0.3), 0.1, 1.0) == decay_groups(model, 0.3)
    assert len(Adam().build(model).param_groups) == 1
