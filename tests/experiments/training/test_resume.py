"""A run that was stopped anywhere and resumed leaves the same numbers as one that was not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from toy import run_and_exit, toy_parts

from experiments.training.checkpoint_io import BEST, LAST, PREVIOUS, read_checkpoint
from experiments.training.errors import Busy, CannotResume
from experiments.training.interrupts import Interrupts
from experiments.training.trial import read_summary, run_trial
from registry.yaml_reader import read_yaml

STEPS = 14
# a toy pass has 6 batches: validation in the middle of passes and across them, gradients accumulated, passes cut short
SCHEDULES: dict[str, dict[str, Any]] = {
    "every 4 batches": {"val_check_interval": 4},
    "every pass": {},
    "twice a pass": {"val_check_interval": 0.5},
    "every second pass": {"check_val_every_n_epoch": 2},
    "accumulated": {"val_check_interval": 4, "accumulate_grad_batches": 2, "max_steps": 8},
    "accumulated, uneven": {"val_check_interval": 6, "accumulate_grad_batches": 4, "max_steps": 8},
    "by passes": {"max_steps": None, "max_epochs": 2, "val_check_interval": 5},
    "part of a pass": {"limit_train_batches": 4},
    "no validation": {"limit_val_batches": 0},
}


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody cuts the power here, and syncing takes most of the time of such short runs."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def stop_at(monkeypatch: pytest.MonkeyPatch, stops: set[int]) -> None:
    """Make each step in `stops` look as if Ctrl-C had been pressed during it, once."""

    def ask(self: Interrupts, trainer: Any, *args: Any) -> None:
        step = trainer.global_step + 1
        if step in stops:
            stops.discard(step)
            self.asked = 2

    monkeypatch.setattr(Interrupts, "on_train_batch_start", ask)


@pytest.mark.parametrize("name", SCHEDULES)
def test_stopped_after_every_second_step(
    name: str, tmp_path: Path, toy_spec: Callable[..., dict[str, Any]], read_curve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = toy_spec(**({"val_check_interval": None} | SCHEDULES[name]))
    whole = run_trial(spec, tmp_path / "whole", build_parts=toy_parts)
    expected = read_curve(tmp_path / "whole")
    weights = read_checkpoint(tmp_path / "whole/checkpoints" / LAST)["state_dict"]
    for first in (1, 2):
        stop_at(monkeypatch, stops := set(range(first, whole["steps"] + 1, 2)))
        folder = tmp_path / f"stopped{first}"
        while stops:
            stopped = run_trial(spec, folder, build_parts=toy_parts)
            assert (stopped["status"], stopped["exit_code"]) == ("interrupted", 130), stops
            saved = read_curve(folder)
            assert saved == expected[: len(saved)], stops
        resumed = run_trial(spec, folder, build_parts=toy_parts)
        assert read_curve(folder) == expected
        for key in ("status", "metrics", "best_metrics", "best_step", "steps", "tokens"):
            assert resumed[key] == whole[key], key
        again = read_checkpoint(folder / "checkpoints" / LAST)["state_dict"]
        assert all(torch.equal(again[k], weights[k]) for k in weights)


def test_stopped_many_times(
    tmp_path: Path, toy_spec: Callable[..., dict[str, Any]], read_curve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = toy_spec()
    whole = run_trial(spec, tmp_path / "whole", build_parts=toy_parts)
    stop_at(monkeypatch, set(range(1, 15)))
    for _ in range(15):
        resumed = run_trial(spec, tmp_path / "stopped", build_parts=toy_parts)
    assert resumed["status"] == "finished"
    assert resumed["metrics"] == whole["metrics"]
    assert read_curve(tmp_path / "stopped") == read_curve(tmp_path / "whole")


@pytest.mark.parametrize("every", [None, 1, 3])
@pytest.mark.parametrize("call", [3, 8, 11])
def test_killed(every: int | None, call: int, tmp_path: Path, toy_spec: Any, read_curve: Any, children: Any) -> None:
    """kill -9 in the middle of a step: resumed from whatever was saved before, if anything was."""
    spec = toy_spec() | {"checkpoint": {"every": every}}
    run_trial(spec, tmp_path / "whole", build_parts=toy_parts)
    child = children.Process(target=run_and_exit, args=(spec, tmp_path / "killed", [(call, 9)]))
    child.start()
    child.join()
    assert child.exitcode == -9
    state = json.loads((tmp_path / "killed/state.json").read_text())
    assert state["status"] == "running"
    with open(tmp_path / "killed/metrics.csv", "a") as file:
        file.write("9,0,0.1,train/lo")
    (tmp_path / "killed/checkpoints/.last.ckpt.123.tmp").write_bytes(b"half")
    assert run_trial(spec, tmp_path / "killed", build_parts=toy_parts)["status"] == "finished"
    assert read_curve(tmp_path / "killed") == read_curve(tmp_path / "whole")
    assert not list((tmp_path / "killed/checkpoints").glob(".*"))


def test_killed_between_training_and_summary(
    tmp_path: Path, toy_spec: Any, read_curve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step is saved, but not yet validated; or validated, but the summary is missing."""
    spec = toy_spec(max_steps=13)
    whole = run_trial(spec, tmp_path / "whole", build_parts=toy_parts)
    summary = tmp_path / "whole/summary.json"
    expected, rows = json.loads(summary.read_text()), read_curve(tmp_path / "whole")
    summary.unlink()
    again = run_trial(spec, tmp_path / "whole", build_parts=toy_parts)
    assert (
        (again["metrics"], again["best_step"]) == (expected["metrics"], expected["best_step"]) == (whole["metrics"], 13)
    )
    assert read_curve(tmp_path / "whole") == rows


def test_damaged_checkpoint_falls_back(tmp_path: Path, toy_spec: Any, read_curve: Any, monkeypatch: Any) -> None:
    spec = toy_spec()
    run_trial(spec, tmp_path / "whole", build_parts=toy_parts)
    stop_at(monkeypatch, {10})
    folder = tmp_path / "damaged"
    run_trial(spec, folder, build_parts=toy_parts)
    last = folder / "checkpoints" / LAST
    last.write_bytes(last.read_bytes()[:1000])
    events: list[dict[str, Any]] = []
    run_trial(spec, folder, build_parts=toy_parts, on_progress=events.append)
    notes = [e["text"] for e in events if e["event"] == "note"]
    assert "falling back" in notes[0]
    assert notes[1] == f"continuing from step 8 ({PREVIOUS})"
    assert read_curve(folder) == read_curve(tmp_path / "whole")


def test_finished_is_not_trained_again(tmp_path: Path, toy_spec: Any) -> None:
    spec = toy_spec()
    first = run_trial(spec, tmp_path / "run", build_parts=toy_parts)

    def never(spec: Any) -> Any:
        raise AssertionError("built again")

    assert run_trial(spec, tmp_path / "run", build_parts=never) == first == read_summary(tmp_path / "run")


def test_refuses_another_spec(tmp_path: Path, toy_spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_at(monkeypatch, {3})
    run_trial(toy_spec(), tmp_path / "run", build_parts=toy_parts)
    with pytest.raises(CannotResume, match="another spec"):
        run_trial(toy_spec(max_steps=20), tmp_path / "run", build_parts=toy_parts)


def test_refuses_changed_data(tmp_path: Path, toy_spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_at(monkeypatch, {3})
    spec = toy_spec()
    run_trial(spec, tmp_path / "run", build_parts=toy_parts)
    text = Path(spec["data"]["train"])
    text.write_bytes(text.read_bytes()[::-1])
    with pytest.raises(CannotResume, match="data have changed"):
        run_trial(spec, tmp_path / "run", build_parts=toy_parts)


def test_refuses_a_busy_folder(tmp_path: Path, toy_spec: Any) -> None:
    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run/.lock"), pytest.raises(Busy, match="another process"):
        run_trial(toy_spec(), tmp_path / "run", build_parts=toy_parts)
    assert not (tmp_path / "run/state.json").exists()


def test_names_and_notes_do_not_make_another_spec(
    tmp_path: Path, toy_spec: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(monkeypatch, {3})
    run_trial(toy_spec(), tmp_path / "run", build_parts=toy_parts)
    again = {**toy_spec(), "about": "1e-4 means text here", "sweep": {"axes": {"model.dim": [1, 2]}}}
    assert run_trial(again, tmp_path / "run", build_parts=toy_parts)["status"] == "finished"
    assert read_yaml(tmp_path / "run/spec.yaml").value["about"] == again["about"]


def test_a_kill_before_the_best_is_named(tmp_path: Path, toy_spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """Stands for a kill."""

    def killed(source: Path, target: Path) -> None:
        raise Killed

    spec = toy_spec(max_steps=4)
    with monkeypatch.context() as patch:
        patch.setattr("experiments.training.saving.copy_checkpoint", killed)
        with pytest.raises(Killed):
            run_trial(spec, tmp_path / "run", build_parts=toy_parts)
    run_trial(spec, tmp_path / "run", build_parts=toy_parts)
    assert read_checkpoint(tmp_path / "run/checkpoints" / BEST)["global_step"] == 4
