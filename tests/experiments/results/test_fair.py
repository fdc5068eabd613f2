"""What was held equal, and what was not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from benchmarks.simulated_sweeps import sweep_of
from experiments.results import SweepResults, read_results
from experiments.results.fair import held_equal, unequal
from experiments.results.plan import PlannedTrial

VALUES = {"a": {0: 1.0, 1: 1.1}, "b": {0: 1.2, 1: 1.3}}


def sweep(batches: dict[tuple[str, int], str], **settings: dict[str, object]) -> SweepResults:
    """Two variants with two seeds; batches: (variant, seed) -> digest, "s0" and "s1" unless given."""
    results = sweep_of(VALUES)
    trials = tuple(
        replace(t, summary=replace(t.summary, steps=100, batches=batches.get((t.variant, t.seed), f"s{t.seed}")))
        for t in results.trials
        if t.summary
    )
    variants = tuple(replace(v, settings=settings.get(v.label, {})) for v in results.plan.variants)
    return replace(results, trials=trials, plan=replace(results.plan, variants=variants))


def test_the_same_batches_are_said_to_be() -> None:
    results = sweep({})
    assert unequal(results) == ()
    assert held_equal(results) == (
        "with each of 2 seeds, 2 variants saw the same batches in the same order (by the digest of every batch)",
    )


def test_other_batches_are_a_problem() -> None:
    results = sweep({("b", 1): "other"})
    assert unequal(results) == (
        "seed 1: a and b did not see the same batches in the same order, so they cannot be compared fairly",
    )
    assert held_equal(results) == ()


def test_what_is_meant_to_differ_is_no_problem() -> None:
    results = sweep({("b", 0): "x", ("b", 1): "y"}, b={"data.batch_size": 4})
    assert unequal(results) == ()
    assert held_equal(results) == ()
    longer = sweep({("b", 0): "x", ("b", 1): "y"})
    trials = tuple(
        replace(t, summary=replace(t.summary, steps=200)) if t.variant == "b" and t.summary else t
        for t in longer.trials
    )
    assert unequal(replace(longer, trials=trials)) == ()
    assert unequal(sweep({("b", 0): "x"}, b={"model.dim": 4})) != ()


def test_trials_without_a_digest_are_not_judged() -> None:
    results = sweep_of(VALUES)
    assert unequal(results) == ()
    assert held_equal(results) == ()


def test_the_effort_of_tuning() -> None:
    results = sweep_of(VALUES)
    tries = tuple(replace(t, stage="tune", id=f"{t.id}{n}") for t in results.trials for n in range(2))
    plan = replace(results.plan, trials=tuple(PlannedTrial(t.id, t.variant, t.seed, t.stage) for t in tries))
    found = held_equal(replace(results, plan=plan, trials=(*results.trials, *tries)))
    assert found == ("the effort of tuning: 4 trials for each variant",)
    found = held_equal(replace(results, plan=plan, trials=(*results.trials, *tries[1:])))
    assert found == ("the effort of tuning: 3 to 4 trials for each variant",)


def test_reading_lists_it_among_the_problems(tmp_path: Path) -> None:
    trials = [{"id": f"t{v}", "variant": v, "seed": 0} for v in "ab"]
    plan = {"name": "x", "metric": {"name": "valid/loss"}, "variants": [{"label": v} for v in "ab"], "trials": trials}
    (tmp_path / "plan.json").write_text(json.dumps({"schema_version": 2, **plan}))
    for label in "ab":
        folder = tmp_path / "trials" / f"t{label}"
        folder.mkdir(parents=True)
        summary = {"status": "finished", "metrics": {"valid/loss": 1.0}, "steps": 5, "batches": label * 8}
        (folder / "summary.json").write_text(json.dumps(summary))
        (folder / "state.json").write_text(json.dumps({"status": "finished"}))
    assert read_results(tmp_path).problems == (
        "seed 0: a and b did not see the same batches in the same order, so they cannot be compared fairly",
    )
