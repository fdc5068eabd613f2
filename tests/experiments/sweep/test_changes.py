"""What a sweep that is continued under another spec would no longer rank."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.sweep.changes import Changes, changes
from experiments.sweep.plan import make_plan
from experiments.sweep.plan_file import describe_plan
from experiments.sweep.trials import Trial, Trials
from registry.load import Loaded, load

BASE: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2},
    "data": {"kind": "text", "length": 16},
    "task": "causal_lm",
    "trainer": {"max_steps": 2},
}
NARROW = {"width": 0.001, "at_least": 2, "at_most": 4}


def sweep(seeds: Any) -> tuple[Loaded, Trials]:
    loaded = load({**BASE, "sweep": {"axes": {"model.norm": ["layer", "rms"]}, "seeds": seeds}})
    return loaded, Trials(loaded, make_plan(loaded))


def wanted(trials: Trials, seeds: Sequence[int]) -> list[Trial]:
    return [trials.make(variant, seed) for seed in seeds for variant in trials.plan.variants]


def continued(folder: Path, before: Any, now: Any, seeds: Sequence[int]) -> Changes:
    """Of a sweep with four seeds, if these are still wanted."""
    loaded, trials = sweep(before)
    told = describe_plan(folder, loaded, trials.plan, wanted(trials, range(4)), "spec.yaml")
    (folder / "plan.json").write_text(json.dumps({**told, "spec": loaded.full}))
    loaded, trials = sweep(now)
    found = changes(folder, loaded, trials.plan, trials, wanted(trials, seeds))
    assert found is not None
    return found


@pytest.mark.parametrize("now", [{**NARROW, "width": 1.0}, {**NARROW, "at_most": 2}, 2, [1, 0]])
def test_seeds_that_another_rule_does_not_want_are_told_of(tmp_path: Path, now: Any) -> None:
    found = continued(tmp_path, NARROW, now, [0, 1])
    assert found.dropped == ["layer, seed 2", "rms, seed 2", "layer, seed 3", "rms, seed 3"]
    assert found.changed == [] and found.added == 0


def test_seeds_that_may_come_to_be_wanted_again_are_not(tmp_path: Path) -> None:
    # as after --retry-failed, when what they depended on is not known any more
    assert continued(tmp_path, NARROW, NARROW, [0, 1]).dropped == []


def test_seeds_that_are_still_wanted_are_not(tmp_path: Path) -> None:
    found = continued(tmp_path, 4, [3, 2, 1, 0, 7], [0, 1, 2, 3, 7])
    assert found.dropped == found.changed == [] and found.added == 2
