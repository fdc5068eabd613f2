"""The trials of a plan."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments.results.plan import Metric
from experiments.sweep.plan import make_plan
from experiments.sweep.trials import Trials
from registry.errors import SpecError
from registry.load import load

BASE: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2},
    "data": {"kind": "text", "length": 16},
    "task": "causal_lm",
    "trainer": {"max_steps": 2},
}


def trials_of(sweep: dict[str, Any], **changes: Any) -> Trials:
    loaded = load({**BASE, **changes, "sweep": sweep})
    return Trials(loaded, make_plan(loaded))


def test_a_trial_knows_nothing_of_the_sweep_around_it() -> None:
    trials = trials_of({"axes": {"model.dim": [16, 32]}})
    made = [trials.make(variant, seed) for variant in trials.plan.variants for seed in (0, 1)]
    assert [(t.spec["model"]["dim"], t.spec["seed"]) for t in made] == [(16, 0), (16, 1), (32, 0), (32, 1)]
    assert all(t.spec["sweep"] is None and t.spec["model"]["vocab"] == 256 for t in made)
    assert all(t.data is made[0].data and t.stage == "compare" and t.until is None for t in made)
    assert len({t.id for t in made}) == 4


def test_the_same_trial_has_the_same_id_whatever_it_is_for() -> None:
    trials = trials_of({"axes": {"model.dim": [16, 32]}, "seeds": 1})
    (variant, _) = trials.plan.variants
    plain = trials.make(variant, 0)
    tried = trials.make(variant, 0, tuned={"optimizer.lr": 0.5}, stage="tune", until=10)
    assert tried.spec["optimizer"]["lr"] == 0.5 and tried.tuned == {"optimizer.lr": 0.5}
    assert (tried.stage, tried.until) == ("tune", 10)
    assert tried.id != plain.id
    assert trials.make(variant, 0, tuned={"optimizer.lr": 0.5}).id == tried.id
    assert trials.make(variant, 0, tuned={"optimizer.lr": 0.5}).spec is tried.spec
    # what is chosen may be what the spec says anyway
    assert trials.make(variant, 0, tuned={"optimizer.lr": plain.spec["optimizer"]["lr"]}).id == plain.id


def test_settings_that_do_not_go_together_are_refused() -> None:
    trials = trials_of({"axes": {"model.dim": [16]}})
    with pytest.raises(SpecError, match="must be a multiple of heads"):
        trials.make(trials.plan.variants[0], 0, tuned={"model.heads": 3})


def test_the_data_of_every_variant_are_read_before_anything_is_trained(tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("too short")
    with pytest.raises(Exception, match="too short: 8 tokens") as caught:
        trials_of({"axes": {"data.train": [None, str(short)]}})
    assert type(caught.value).__name__ == "BadData"


def test_what_was_tuned_is_ranked_by_test_data(tmp_path: Path) -> None:
    sweep = {"axes": {"model.dim": [16]}, "tune": {"optimizer.lr": [0.1, 0.2]}}
    metric = {"name": "valid/bits_per_byte", "goal": "minimize"}
    assert trials_of(sweep, metric=metric).metric == Metric("test/bits_per_byte", "minimize")
    assert trials_of({"axes": {"model.dim": [16]}}, metric=metric).metric == Metric("valid/bits_per_byte", "minimize")
    (tmp_path / "own.txt").write_text("some words of my own. " * 50)
    data = {"kind": "text", "length": 16, "train": str(tmp_path / "own.txt")}
    with pytest.raises(SpecError) as caught:
        trials_of(sweep, metric=metric, data=data)
    assert "sweep.tune: chooses settings by valid/bits_per_byte, so the comparison needs test data" in str(caught.value)
    assert "give data.test a file" in str(caught.value)
    data["test"] = str(tmp_path / "own.txt")
    assert trials_of(sweep, metric=metric, data=data).metric.name == "test/bits_per_byte"


def test_the_server_of_trials_has_everything_imported() -> None:
    words = "import sys, experiments.sweep.warm; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.split()
    assert {"pytorch_lightning", "experiments.training.trial", "experiments.tasks.causal_lm"} <= {*loaded}
