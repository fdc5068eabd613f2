"""A budget as part of a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.budget.timing import Timings
from experiments.sweep.plan import SweepPlan, make_plan
from experiments.trial_spec import trial_id
from registry.errors import SpecError
from registry.load import load

SPEC = """
model: {topology: decoder, dim: 32, layers: 2, heads: 2}
data: {kind: text, length: 32, batch_size: 4}
task: causal_lm
trainer: {max_steps: 50}
sweep:
  axes: {model.feedforward: [mlp, swiglu], model.layers: [2, 3]}
  baseline: {model.feedforward: mlp, model.layers: 2}
  budget: {hold: parameters, by: hidden}
"""


def plan(tmp_path: Path, *settings: tuple[str, Any], **more: Any) -> SweepPlan:
    file = tmp_path / "spec.yaml"
    file.write_text(SPEC)
    return make_plan(load(file, list(settings)), **more)


def test_every_trial_has_the_setting_that_was_solved_for(tmp_path: Path) -> None:
    found = plan(tmp_path)
    assert found.budget is not None and found.budget.by == "model.feedforward.hidden"
    for variant in found.variants:
        assert variant.held is not None and abs(variant.held.off) <= 0.01
        for seed in (0, 1):
            hidden = found.spec(variant, seed)["model"]["feedforward"]["hidden"]
            assert hidden == (None if variant.label == found.baseline else variant.held.value)


def test_misses_say_where_the_budget_stands(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"spec\.yaml:9:11: sweep\.budget: \[mlp / 3\] cannot have 33,\d+ parameters"):
        plan(tmp_path, ("sweep.budget.tolerance", 1e-6))
    with pytest.raises(SpecError, match=r"sweep\.budget\.by: model\.dropout is no whole number") as error:
        plan(tmp_path, ("sweep.budget.by", "model.dropout"))
    assert error.value.problems[0].place is not None


def test_a_sweep_by_time_goes_on_with_the_same_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([0.01, 0.02, 0.011, 0.023] + 4 * [0.5])
    monkeypatch.setattr(Timings, "_timed", lambda *_: next(taken))
    by_time = ("sweep.budget", {"hold": "time", "by": "steps", "tolerance": "5%"})

    def ids(remembered: Path | None) -> list[str]:
        found = plan(tmp_path, by_time, remembered=remembered)
        return [trial_id(found.spec(variant, 0)) for variant in found.variants]

    file = tmp_path / "results" / "timings.json"
    plan(tmp_path, by_time, remembered=file, keep=False)
    assert not file.parent.exists()
    taken = iter([0.01, 0.02, 0.011, 0.023] + 4 * [0.5])
    first = ids(file)
    assert len(set(first)) == 4
    assert ids(file) == first
