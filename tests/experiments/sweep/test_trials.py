"""The trials of a plan, and when `plan.json` is written anew."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments.sweep.plan import make_plan
from experiments.sweep.trials import describe_plan, prepare, write_plan
from registry.load import load

BASE: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2},
    "data": {"kind": "text", "length": 16},
    "task": "causal_lm",
    "trainer": {"max_steps": 2},
}


def written(folder: Path, dims: list[int], **changes: Any) -> tuple[int, dict[str, Any]]:
    """What `write_plan` returns for a sweep over these widths, and what stands in the file then."""
    loaded = load({**BASE, **changes, "sweep": {"axes": {"model.dim": dims}}})
    plan = make_plan(loaded)
    dropped = write_plan(folder, describe_plan(folder, loaded, plan, prepare(loaded, plan), "spec.yaml"))
    return dropped, json.loads((folder / "plan.json").read_text())


def test_a_trial_knows_nothing_of_the_sweep_around_it() -> None:
    loaded = load({**BASE, "sweep": {"axes": {"model.dim": [16, 32]}}})
    trials = prepare(loaded, make_plan(loaded))
    assert [t.spec["model"]["dim"] for t in trials] == [16, 32]
    assert all(t.spec["sweep"] is None and t.spec["model"]["vocab"] == 256 for t in trials)
    assert trials[0].data is trials[1].data


def test_the_plan_tells_of_the_beginning_until_something_else_is_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.sweep.trials.environment", lambda: {"python": "then"})
    dropped, first = written(tmp_path, [16, 32])
    monkeypatch.setattr("experiments.sweep.trials.environment", lambda: {"python": "now"})
    assert (dropped, written(tmp_path, [16, 32], about="other words")) == (0, (0, first))
    dropped, wider = written(tmp_path, [16, 32, 64])
    assert (dropped, len(wider["trials"]), wider["environment"]) == (0, 3, {"python": "now"})
    dropped, narrower = written(tmp_path, [32])
    assert (dropped, len(narrower["trials"])) == (2, 1)


def test_a_damaged_plan_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"trials": [')
    assert written(tmp_path, [16])[1]["trials"]


def test_the_server_of_trials_has_everything_imported() -> None:
    words = "import sys, experiments.sweep.warm; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.split()
    assert {"pytorch_lightning", "experiments.training.trial", "experiments.tasks.causal_lm"} <= {*loaded}
