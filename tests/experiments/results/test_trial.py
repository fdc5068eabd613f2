"""One trial from its folder: which of its files counts, and what it was trained in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sweep_folder import begin, finish, plan_of, write_json

from experiments.results.origin import read_origin
from experiments.results.plan import PlannedTrial
from experiments.results.read import read_results
from experiments.results.trial import Trial, read_trial

PLANNED = PlannedTrial("t0", "full / rotary", 0, "tune", {"optimizer.lr": 0.1})
ENTRY = plan_of()["trials"][0]


def read(folder: Path, **options: bool) -> Trial:
    problems: list[str] = []
    found = read_trial(folder, PLANNED, problems, **options)
    assert problems == []
    return found


def test_what_the_plan_says_stays_with_it_from_the_start(tmp_path: Path) -> None:
    for trial in (read(tmp_path), read(begin(tmp_path, ENTRY).parent.parent)):
        assert (trial.stage, trial.tuned) == ("tune", {"optimizer.lr": 0.1})


def test_the_summary_outranks_the_state(tmp_path: Path) -> None:
    home = finish(tmp_path, ENTRY, reason="stopped early")
    write_json(home / "state.json", {"status": "failed", "reason": "lost", "step": 3})
    trial = read(tmp_path)
    assert (trial.status, trial.reason) == ("finished", "stopped early")
    assert trial.summary is not None and trial.summary.batches == "abc123"
    # a summary from before it told a reason
    (home / "summary.json").write_text('{"status": "diverged"}')
    assert read(tmp_path).reason == "lost"


def test_a_trial_that_is_paused_is_neither_done_nor_lost(tmp_path: Path) -> None:
    begin(tmp_path, ENTRY, status="paused")
    trial = read(tmp_path)
    assert (trial.status, trial.finished, trial.ended_without) == ("paused", False, False)


def test_curves_can_be_left_alone(tmp_path: Path) -> None:
    home = finish(tmp_path, ENTRY)
    assert read(tmp_path).curves["train/loss"].steps == (10, 20, 30, 40)
    (home / "metrics.csv").write_text("not a table at all\n" * 3)
    assert read(tmp_path, curves=False).curves == {}


def test_the_attempts_of_a_trial(tmp_path: Path) -> None:
    home = finish(tmp_path, ENTRY)
    assert read(tmp_path).origin.environment == {"torch": "2.13.0", "cores": "2"}
    attempts = [
        {"started": "a"},
        {"started": "b", "ended": "c", "seconds": 2.0, "peak_memory_mb": 5.0, "status": "paused"},
        {"started": "d", "ended": "e", "seconds": 3.0, "peak_memory_mb": 4.0, "status": "finished"},
    ]
    (home / "provenance.json").write_text(json.dumps({"attempts": attempts}))
    origin = read(tmp_path).origin
    assert (origin.number, origin.started, origin.ended) == (2, "a", "e")
    assert (origin.wall_seconds, origin.peak_memory_mb) == (5.0, 5.0)
    # who counts them while they happen knows better
    assert read_origin(home, {"attempts": 4}, []).number == 4


def test_a_trial_from_before_attempts_were_kept(tmp_path: Path) -> None:
    home = finish(tmp_path, ENTRY)
    (home / "provenance.json").unlink()
    origin = read(tmp_path).origin
    assert (origin.number, origin.started, origin.wall_seconds, dict(origin.environment)) == (None, "", None, {})
    (home / "provenance.json").write_text("{")
    problems: list[str] = []
    read_trial(tmp_path, PLANNED, problems)
    assert len(problems) == 1 and problems[0].startswith("trial t0: provenance.json cannot be read")


def test_flops_are_those_that_a_budget_counts_as_far_as_the_training_went(tmp_path: Path) -> None:
    home = finish(tmp_path, ENTRY, steps=30, tokens=100, flops_per_token=2.0)
    by_tokens = read(tmp_path).training_flops
    assert by_tokens == 3 * 2.0 * 100
    finish(tmp_path, ENTRY, steps=30, training_flops=4000.0)
    write_json(home / "state.json", {"status": "finished", "step": 30, "max_steps": 40})
    assert read(tmp_path).training_flops == 3000.0


@pytest.mark.parametrize("ended", [False, True])
def test_a_run_by_itself_has_the_seed_that_it_is_trained_with(tmp_path: Path, ended: bool) -> None:
    home = (finish if ended else begin)(tmp_path, {**ENTRY, "seed": 7})
    (home / "provenance.json").write_text('{"seed": 7, "attempts": []}')
    assert [trial.seed for trial in read_results(home).trials] == [7]
    # a sweep that has lost its plan
    assert read_results(tmp_path).plan.seeds == (7,)
