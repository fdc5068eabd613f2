"""What `plan.json` says, and when it is written anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.results.plan import BudgetFacts, Override, Plan, TuningFacts, read_plan
from experiments.sweep.plan import make_plan
from experiments.sweep.plan_file import describe_plan, write_plan
from experiments.sweep.trials import Trial, Trials
from registry.load import load

BASE: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2},
    "data": {"kind": "text", "length": 16},
    "task": "causal_lm",
    "trainer": {"max_steps": 2},
}


def first(trials: Trials) -> list[Trial]:
    return [trials.make(variant, seed) for seed in trials.plan.first_seeds for variant in trials.plan.variants]


def described(folder: Path, sweep: dict[str, Any], seeds: Sequence[int] = (), **changes: Any) -> dict[str, Any]:
    """With the trials of any case, and those of further seeds."""
    loaded = load({**BASE, **changes, "sweep": sweep})
    trials = Trials(loaded, make_plan(loaded))
    more = [trials.make(variant, seed) for seed in seeds for variant in trials.plan.variants]
    return describe_plan(folder, loaded, trials.plan, [*first(trials), *more], "spec.yaml")


def written(folder: Path, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """What `write_plan` returns, and what stands in the file then."""
    dropped = write_plan(folder, content)
    return dropped, json.loads((folder / "plan.json").read_text())


def read(content: dict[str, Any]) -> Plan:
    problems: list[str] = []
    plan = read_plan(json.loads(json.dumps(content)), problems)
    assert problems == []
    return plan


def dims(*sizes: int, **more: Any) -> dict[str, Any]:
    return {"axes": {"model.dim": list(sizes)}, "seeds": 1, **more}


def test_the_plan_tells_of_the_beginning_until_something_else_is_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.sweep.plan_file.environment", lambda: {"python": "then"})
    dropped, plan = written(tmp_path, described(tmp_path, dims(16, 32)))
    monkeypatch.setattr("experiments.sweep.plan_file.environment", lambda: {"python": "now"})
    assert (dropped, written(tmp_path, described(tmp_path, dims(16, 32), about="words"))) == (0, (0, plan))
    dropped, wider = written(tmp_path, described(tmp_path, dims(16, 32, 64)))
    assert (dropped, len(wider["trials"]), wider["environment"]) == (0, 3, {"python": "now"})
    dropped, narrower = written(tmp_path, described(tmp_path, dims(32)))
    assert (dropped, len(narrower["trials"])) == (2, 1)


def test_a_plan_that_grows_keeps_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    auto = dims(16, 32, seeds={"at_least": 2, "at_most": 5})
    monkeypatch.setattr("experiments.sweep.plan_file.environment", lambda: {"python": "then"})
    _, before = written(tmp_path, described(tmp_path, auto))
    monkeypatch.setattr("experiments.sweep.plan_file.environment", lambda: {"python": "now"})
    dropped, after = written(tmp_path, described(tmp_path, auto, seeds=[2]))
    assert (dropped, len(before["trials"]), len(after["trials"])) == (0, 4, 6)
    assert (before["seeds"], after["seeds"]) == ([0, 1], [0, 1, 2])
    assert after["environment"] == {"python": "then"} and after["created"] == before["created"]
    plan = read(after)
    assert (plan.most_seeds, plan.looks) == (5, 3)
    # results that are gone make a sweep want less again
    assert written(tmp_path, described(tmp_path, auto))[0] == 2


def test_more_seeds_of_the_same_variants_are_no_other_sweep(tmp_path: Path) -> None:
    _, before = written(tmp_path, described(tmp_path, dims(16, seeds=2)))
    dropped, after = written(tmp_path, described(tmp_path, dims(16, seeds=3)))
    assert (dropped, after["seeds"], after["created"]) == (0, [0, 1, 2], before["created"])


def test_a_damaged_plan_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"trials": [')
    assert written(tmp_path, described(tmp_path, dims(16)))[1]["trials"]


def test_all_of_a_plan_is_read_back(tmp_path: Path) -> None:
    sweep = {
        "axes": {"model.attention": ["full", "performer"], "model.position": ["rotary", "alibi"]},
        "overrides": [{"when": {"model.attention": "performer"}, "set": {"schedule.warmup": 3}}],
        "baseline": {"model.attention": "full", "model.position": "rotary"},
        "budget": {"hold": "parameters", "by": "hidden", "tolerance": "5%"},
        "tune": {"optimizer.lr": {"log_uniform": [1e-4, 1e-2]}},
        "tuning": {"search": "random", "tries": 4, "halving": 2},
        "seeds": "auto",
        "strict": False,
    }
    plan = read(described(tmp_path / "name", sweep))
    assert (plan.name, plan.metric.name) == ("name", "test/loss")
    assert plan.axes == {"model.attention": ("full", "performer"), "model.position": ("rotary", "alibi")}
    assert plan.baseline == {"model.attention": "full", "model.position": "rotary"}
    assert [v.label for v in plan.variants if plan.is_baseline(v)] == ["full / rotary"]
    assert plan.variants[2].settings["schedule.warmup"] == 3
    assert [v.held is not None and abs(v.held.off) <= 0.05 for v in plan.variants] == [True] * 3
    assert isinstance(plan.budget, BudgetFacts) and plan.budget.tolerance == 0.05
    override = Override({"model.attention": "performer"}, {"schedule.warmup": "3"}, ("performer / rotary",))
    assert plan.overrides == (override,)
    space = {"optimizer.lr": "0.0001 to 0.01, evenly in the logarithm"}
    assert plan.tuning == TuningFacts("random", "valid/loss", space, tries=4, seeds=1, halving=2)
    assert (plan.seeds, plan.most_seeds, plan.looks, plan.strict) == ((0, 1, 2), 12, 4, False)
    assert [item.label for item in plan.left_out] == ["performer / alibi"]


def test_a_baseline_by_name(tmp_path: Path) -> None:
    sweep = {"variants": {"plain": {}, "wide": {"model.dim": 32}}, "baseline": "plain", "strict": True, "seeds": 1}
    plan = read(described(tmp_path, sweep))
    assert [plan.is_baseline(v) for v in plan.variants] == [True, False]
    assert plan.baseline == {"variant": "plain"} and plan.strict
    axes = {"axes": {"model.norm": ["layer", "rms"]}, "variants": {"wide": {"model.dim": 32}}, "baseline": "wide"}
    plan = read(described(tmp_path, axes))
    # a variant that sets no axis is told from the others by its name alone
    assert [plan.is_baseline(v) for v in plan.variants] == [False, False, True]


def test_what_a_trial_was_tuned_to(tmp_path: Path) -> None:
    loaded = load({**BASE, "sweep": dims(16, tune={"optimizer.lr": [0.1, 0.2]}, scaling="model.dim")})
    trials = Trials(loaded, make_plan(loaded))
    (variant,) = trials.plan.variants
    tried = trials.make(variant, 1000, tuned={"optimizer.lr": 0.2}, stage="tune")
    chosen = trials.make(variant, 0, tuned={"optimizer.lr": 0.2})
    plan = read(describe_plan(tmp_path, loaded, trials.plan, [tried, chosen], "spec.yaml"))
    assert [(t.id, t.stage, t.tuned) for t in plan.tries] == [(tried.id, "tune", {"optimizer.lr": 0.2})]
    assert [(t.id, t.seed, t.tuned) for t in plan.compared] == [(chosen.id, 0, {"optimizer.lr": 0.2})]
    assert (plan.seeds, plan.scaling) == ((0,), "model.dim")
    assert plan.tuning is not None and (plan.tuning.tries, plan.tuning.space) == (2, {"optimizer.lr": "0.1, 0.2"})


def test_plans_of_the_first_schema_are_read() -> None:
    plan = read_plan({"schema_version": 1, "metric": {"name": "valid/loss"}, "baseline": {"a": "x"}}, [])
    assert plan.baseline == {"a": "x"} and plan.baseline_label is None
    assert (plan.looks, plan.most_seeds, plan.tuning, plan.overrides) == (1, None, None, ())
