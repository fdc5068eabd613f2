"""A trial that pauses and goes on leaves what one without a pause leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from toy import toy_parts

from experiments.training.checkpoint_io import LAST, read_checkpoint
from experiments.training.interrupts import Interrupts
from experiments.training.trial import exit_code, run_trial


def end(folder: Path) -> dict[str, Any]:
    return read_checkpoint(folder / "checkpoints" / LAST)


def test_paused_and_continued_equals_uninterrupted(tmp_path: Path, toy_spec: Any, read_curve: Any) -> None:
    spec = toy_spec() | {"early_stopping": {"patience": 9}, "checkpoint": {"every": 3}}
    whole = run_trial(spec, tmp_path / "whole", build_parts=toy_parts)
    folder = tmp_path / "paused"
    for until, step in ((1, 4), (5, 8), (8, 8), (9, 12)):
        summary = run_trial(spec, folder, build_parts=toy_parts, until=until)
        assert (summary["status"], summary["step"], exit_code(summary)) == ("paused", step, 0)
        state = json.loads((folder / "state.json").read_text())
        assert (state["status"], state["step"], state["metrics"]) == ("paused", step, summary["metrics"])
        assert not (folder / "summary.json").exists()
        rows = read_curve(folder)
        assert rows == read_curve(tmp_path / "whole")[: len(rows)]
        logged = {r[2]: float(r[3]) for r in rows if r[0] == str(step)}
        assert logged.items() >= summary["metrics"].items()
    found = run_trial(spec, folder, build_parts=toy_parts)
    assert read_curve(folder) == read_curve(tmp_path / "whole")
    for key in ("status", "metrics", "best_metrics", "best_step", "steps", "tokens", "batches"):
        assert found[key] == whole[key], key
    again, straight = end(folder), end(tmp_path / "whole")
    assert all(torch.equal(again["state_dict"][k], v) for k, v in straight["state_dict"].items())
    dropout = [c["callbacks"]["DropoutStream"]["ranks"][0]["cpu"] for c in (again, straight)]
    assert torch.equal(*dropout)
    adam = [c["optimizer_states"][0]["state"] for c in (again, straight)]
    assert all(torch.equal(adam[0][i][k], adam[1][i][k]) for i in adam[1] for k in adam[1][i])


def test_paused_already_is_told_without_training(tmp_path: Path, toy_spec: Any, read_curve: Any) -> None:
    first = run_trial(toy_spec(), tmp_path / "run", build_parts=toy_parts, until=6)
    before = end(tmp_path / "run")["global_step"], read_curve(tmp_path / "run")
    events: list[dict[str, Any]] = []
    for until in (3, 8):
        again = run_trial(toy_spec(), tmp_path / "run", build_parts=toy_parts, until=until, on_progress=events.append)
        assert again == first
    assert (end(tmp_path / "run")["global_step"], read_curve(tmp_path / "run")) == before
    assert [(e["event"], e.get("status")) for e in events] == [("end", "paused")] * 2


@pytest.mark.parametrize(("steps", "until"), [(12, 12), (12, 9), (12, 99), (14, 13)])
def test_nothing_pauses_at_its_end(steps: int, until: int, tmp_path: Path, toy_spec: Any) -> None:
    """Whether or not the last step is one after which a validation is due."""
    spec = toy_spec(max_steps=steps)
    assert run_trial(spec, tmp_path / "run", build_parts=toy_parts, until=until)["status"] == "finished"


def test_without_validation_nothing_pauses(tmp_path: Path, toy_spec: Any) -> None:
    spec = toy_spec(limit_val_batches=0)
    assert run_trial(spec, tmp_path / "run", build_parts=toy_parts, until=4)["status"] == "finished"


def test_a_signal_outranks_the_pause(tmp_path: Path, toy_spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interrupts, "on_train_batch_start", lambda self, *args: setattr(self, "asked", 2))
    spec = toy_spec(val_check_interval=1)
    assert run_trial(spec, tmp_path / "run", build_parts=toy_parts, until=1)["status"] == "interrupted"
    monkeypatch.undo()
    assert run_trial(spec, tmp_path / "run", build_parts=toy_parts, until=1)["status"] == "paused"
