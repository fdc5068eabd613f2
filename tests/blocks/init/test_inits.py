"""Initialisations, by the statistics of the weights that they fill."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor

from blocks.init import (
    BertInit,
    DeepNormInit,
    DetrInit,
    GPT2Init,
    Init,
    NormalInit,
    Site,
    T5Init,
    TorchInit,
    ViTInit,
    XavierInit,
    initialise,
)
from blocks.linear import Linear, Role, Table

ROLES: tuple[Role, ...] = get_args(Role)
TABLES = ("embedding", "position")
SITE = Site(dim=300, head_dim=25, branches=12, stream="decoder", encoder_layers=0, decoder_layers=6)
OUT, IN = 400, 300


def fill(init: Init, role: Role, site: Site = SITE) -> Tensor:
    weight = torch.empty(OUT, IN, dtype=torch.float64)
    init.fill(weight, role, site)
    return weight


def xavier(gain: float = 1.0) -> float:
    return gain * (2 / (IN + OUT)) ** 0.5


STDS: list[tuple[Init, Callable[[Role], float]]] = [
    # cut at two deviations, a normal has 0.8796 of its deviation
    (BertInit(), lambda role: 0.02 * 0.8796),
    (BertInit(std=0.1), lambda role: 0.1 * 0.8796),
    (NormalInit(), lambda role: 0.02),
    (NormalInit(std=0.005), lambda role: 0.005),
    (GPT2Init(), lambda role: 0.02 / 12**0.5 if role in ("attention_out", "ff_out") else 0.02),
    (TorchInit(), lambda role: 1.0 if role in TABLES else (1 / 3) ** 0.5 * IN**-0.5),
    (XavierInit(), lambda role: IN**-0.5 if role in TABLES else xavier()),
    (
        DetrInit(),
        lambda role: (
            1.0
            if role in TABLES
            else (1 / 3) ** 0.5 * IN**-0.5
            if role in ("input", "head")
            else xavier(0.5**0.5 if role in ("query", "key", "value") else 1.0)
        ),
    ),
    (
        T5Init(),
        lambda role: {"embedding": 1.0, "position": 300**-0.5, "query": (300 * 25) ** -0.5}.get(role, 300**-0.5),
    ),
    (
        DeepNormInit(),
        lambda role: (
            IN**-0.5
            if role in TABLES
            else xavier(1.0 if role in ("query", "key", "gate", "input", "head") else (8 * 6) ** -0.25)
        ),
    ),
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("init", "std"), STDS, ids=lambda x: type(x).__name__)
def test_mean_and_deviation_of_every_role(init: Init, std: Callable[[Role], float], role: Role) -> None:
    weight = fill(init, role)
    assert float(weight.std()) == pytest.approx(std(role), rel=0.02)
    assert abs(float(weight.mean())) < 5 * std(role) / weight.numel() ** 0.5


def test_bounds() -> None:
    assert fill(BertInit(), "query").abs().max() <= 0.04
    assert fill(TorchInit(), "query").abs().max() <= IN**-0.5
    assert fill(XavierInit(), "query").abs().max() <= (6 / (IN + OUT)) ** 0.5


@pytest.mark.parametrize(
    ("site", "beta"),
    [
        (Site(300, 25, 12, "encoder", 6, 0), (8 * 6) ** (-1 / 4)),
        (Site(300, 25, 12, "encoder", 6, 18), 0.87 * (6**4 * 18) ** (-1 / 16)),
        (Site(300, 25, 54, "decoder", 6, 18), (12 * 18) ** (-1 / 4)),
    ],
)
def test_deepnorm_s_gain_follows_the_depths_of_both_stacks(site: Site, beta: float) -> None:
    for role in ("value", "attention_out", "ff_in", "ff_gate", "ff_out"):
        assert float(fill(DeepNormInit(), role, site).std()) == pytest.approx(xavier(beta), rel=0.02)
    for role in ("query", "key"):
        assert float(fill(DeepNormInit(), role, site).std()) == pytest.approx(xavier(), rel=0.02)


def test_gpt2_divides_by_the_number_of_residual_additions() -> None:
    for branches in (1, 4, 24):
        site = Site(300, 25, branches, "decoder", 0, 12)
        assert float(fill(GPT2Init(), "ff_out", site).std()) == pytest.approx(0.02 / branches**0.5, rel=0.02)


def test_initialise_goes_by_role_and_leaves_everything_else() -> None:
    module = torch.nn.ModuleDict(
        {
            "out": Linear(300, 400, role="ff_out"),
            "in": Linear(300, 400, role="ff_in", bias=False),
            "table": Table(400, 300, role="embedding"),
            "norm": torch.nn.LayerNorm(8),
            "alien": torch.nn.Linear(8, 8),
        }
    )
    norm, alien = module["norm"].weight.clone(), module["alien"].weight.clone()
    initialise(module, GPT2Init(), SITE, seed=0)
    assert float(module["out"].weight.detach().std()) == pytest.approx(0.02 / 12**0.5, rel=0.02)
    assert float(module["in"].weight.detach().std()) == pytest.approx(0.02, rel=0.02)
    assert float(module["table"].weight.detach().std()) == pytest.approx(0.02, rel=0.02)
    assert not module["out"].bias.any()
    assert torch.equal(module["norm"].weight, norm)
    assert torch.equal(module["alien"].weight, alien)


def test_vit_starts_with_a_head_and_class_tokens_of_zeros() -> None:
    for role in ("embedding", "head"):
        assert not fill(ViTInit(), role).any()
    assert float(fill(ViTInit(), "position").std()) == pytest.approx(0.02, rel=0.02)
    assert float(fill(ViTInit(), "ff_in").std()) == pytest.approx(xavier(), rel=0.02)
    # cut, and made wider before so that the deviation is right after it
    assert float(fill(ViTInit(), "input").std()) == pytest.approx(IN**-0.5, rel=0.02)
    assert fill(ViTInit(), "input").abs().max() <= 2 * IN**-0.5 / 0.8796
