"""Learning rates of the optimizer's first, middle and last steps against the formulas."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from experiments.schedules import Constant, Linear, Noam, Schedule, WarmupCosine


def rates(schedule: Schedule, total: int, lr: float = 1.0) -> list[float]:
    """The learning rate that each optimizer step is done with."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    steps = schedule.build(optimizer, total)
    found = []
    for _ in range(total):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        steps.step()
    return found


def test_constant() -> None:
    assert rates(Constant(), 3, lr=0.5) == [0.5] * 3
    assert rates(Constant(warmup=4), 6) == [0.25, 0.5, 0.75, 1, 1, 1]


def test_linear() -> None:
    assert rates(Linear(warmup=2), 6) == pytest.approx([0.5, 1, 0.75, 0.5, 0.25, 0])
    assert rates(Linear(floor=0.5), 4, lr=2.0) == pytest.approx([1.75, 1.5, 1.25, 1])


def test_warmup_cosine() -> None:
    found = rates(WarmupCosine(warmup=2, floor=0.2), 6)
    half = [0.2 + 0.8 * (1 + math.cos(math.pi * k / 4)) / 2 for k in range(1, 5)]
    assert found == pytest.approx([0.5, 1, *half])
    assert found[-1] == pytest.approx(0.2)


def test_noam_is_the_paper_s() -> None:
    expected = [512**-0.5 * min(s**-0.5, s * 4000**-1.5) for s in range(1, 6001)]
    factors = [Noam(dim=512).factor(s, math.inf) for s in range(1, 6001)]
    assert factors == pytest.approx(expected)
    assert max(factors) == factors[3999] == pytest.approx(0.000698771)


def test_noam_with_its_peak_at_one() -> None:
    assert rates(Noam(warmup=4), 16, lr=0.1)[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert rates(Noam(warmup=4), 16, lr=0.1)[15] == pytest.approx(0.05)


def test_noam_cools_down_to_nothing() -> None:
    plain, cooled = rates(Noam(warmup=4), 16), rates(Noam(warmup=4, cooldown=4), 16)
    assert cooled[:12] == plain[:12]
    assert cooled[12:] == pytest.approx([0.75 * plain[12], 0.5 * plain[13], 0.25 * plain[14], 0])


@pytest.mark.parametrize("schedule", [Linear(), WarmupCosine(), Noam(cooldown=1)])
def test_needs_an_end(schedule: Any) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    with pytest.raises(ValueError, match=r"set trainer.max_steps or trainer.max_epochs"):
        schedule.build(optimizer, math.inf)


@pytest.mark.parametrize("schedule", [Constant(warmup=9), Linear(warmup=9), WarmupCosine(warmup=9)])
def test_warm_up_longer_than_the_training(schedule: Any) -> None:
    assert rates(schedule, 3) == pytest.approx([1 / 9, 2 / 9, 3 / 9])
