"""What is tuned must not change what a budget holds equal."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.budget.timing import Timings
from experiments.sweep.plan import SweepPlan, make_plan
from registry.errors import SpecError
from registry.load import load

BASE: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 32, "layers": 2, "heads": 2, "position": "rotary"},
    "data": {"kind": "text", "length": 32, "batch_size": 4},
    "task": "causal_lm",
    "trainer": {"max_steps": 50},
}
PARAMETERS = {"hold": "parameters", "by": "hidden"}
FLOPS = {"hold": "flops", "by": "steps"}
TIME = {"hold": "time", "by": "steps"}


def plan(budget: dict[str, Any], tune: dict[str, Any], **trainer: Any) -> SweepPlan:
    axes = {"model.feedforward": ["mlp", "swiglu"]}
    sweep: dict[str, Any] = {"axes": axes, "baseline": {"model.feedforward": "mlp"}, "budget": budget, "tune": tune}
    if any(isinstance(source, dict) for source in tune.values()):
        sweep["tuning"] = {"search": "random", "tries": 3}
    return make_plan(load({**BASE, "trainer": BASE["trainer"] | trainer, "sweep": sweep}))


def same_time(*_: Any) -> float:
    return 0.01


@pytest.mark.parametrize(
    ("budget", "tune", "words"),
    [
        (PARAMETERS, {"model.layers": [2, 3]}, r"with model\.layers = 3, \[mlp\] has .* parameters instead of"),
        (PARAMETERS, {"model.layers": {"integers": [2, 6]}}, r"with model\.layers = 6, \[swiglu\] has"),
        (FLOPS, {"optimizer.lr": [1e-3, 1e-2], "data.batch_size": [4, 8]}, r"with data\.batch_size = 8, \[mlp\] has"),
        (TIME, {"data.batch_size": [4, 8]}, r"with data\.batch_size = 8, \[mlp\] has .* instead of"),
    ],
)
def test_what_would_miss_the_budget_is_refused(
    budget: dict[str, Any], tune: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Timings, "_timed", same_time)
    with pytest.raises(SpecError, match=words) as error:
        plan(budget, tune)
    assert [problem.path for problem in error.value.problems] == ["sweep.tune"] * 2
    assert "a budget cannot be held over what is tuned" in str(error.value)


def test_settings_whose_changes_cancel_out_are_refused() -> None:
    # 4 x 2 and 8 x 1 rows are as many, 4 x 1 and 8 x 2 are not
    tune = {"data.batch_size": [4, 8], "trainer.accumulate_grad_batches": [2, 1]}
    with pytest.raises(SpecError, match=r"with data\.batch_size = 8, \[mlp\] has"):
        plan(FLOPS, tune, accumulate_grad_batches=2)


@pytest.mark.parametrize(
    ("budget", "tune"),
    [
        (PARAMETERS, {"optimizer.lr": [1e-3, 1e-2], "model.dropout": [0.0, 0.1], "data.batch_size": [4, 8]}),
        (PARAMETERS, {"model.heads": [2, 4]}),
        (FLOPS, {"optimizer.lr": {"log_uniform": [1e-4, 1e-2]}, "model.dropout": [0.0, 0.1]}),
        (TIME, {"optimizer.lr": [1e-3, 1e-2], "model.dropout": [0.0, 0.1]}),
    ],
)
def test_what_leaves_the_amount_alone_may_be_tuned(
    budget: dict[str, Any], tune: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Timings, "_timed", same_time)
    assert all(variant.held is not None for variant in plan(budget, tune).variants)
