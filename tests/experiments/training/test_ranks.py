"""Processes that train together do what one would do on the same batches, and stop and go on together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from toy import toy_parts

from experiments.training.checkpoint_io import LAST, read_checkpoint
from experiments.training.errors import CannotResume
from experiments.training.trial import run_trial
from registry.errors import SpecError


@pytest.fixture
def spec(tmp_path: Path, toy_spec: Any) -> dict[str, Any]:
    """In batches of three rows, which two cannot share evenly, and with a test split."""
    test = tmp_path / "toy_test.txt"
    test.write_bytes(bytes((i * i * i) % 61 + 32 for i in range(43)))
    found: dict[str, Any] = toy_spec(max_steps=9, devices=2)
    return {**found, "data": {**found["data"], "test": str(test), "batch_size": 3}}


def alone(spec: dict[str, Any]) -> dict[str, Any]:
    return {**spec, "trainer": {**spec["trainer"], "devices": 1}}


def summary_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def weights(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = read_checkpoint(folder / "checkpoints" / LAST)["state_dict"]
    return found


@pytest.mark.parametrize("together_steps", [1, 2])
def test_as_one_process_would(
    together_steps: int, tmp_path: Path, spec: dict[str, Any], read_curve: Any, together: Any
) -> None:
    """The same batches, tokens, losses and metrics, but for rounding; nothing is dropped out, which differs by rank."""
    spec = {**spec, "model": {"dropout": 0.0}}
    spec["trainer"] |= {"accumulate_grad_batches": together_steps, "gradient_clip_val": 0.5}
    assert together(spec, tmp_path / "two") == [0, 0]
    one, two = run_trial(alone(spec), tmp_path / "one", build_parts=toy_parts), summary_of(tmp_path / "two")
    for name in ("batches", "tokens", "steps", "best_step", "parameters"):
        assert one[name] == two[name], name
    assert one["metrics"] == pytest.approx(two["metrics"], rel=1e-5)
    rows = zip(read_curve(tmp_path / "one"), read_curve(tmp_path / "two"), strict=True)
    assert all(a[:3] == b[:3] and float(a[3]) == pytest.approx(float(b[3]), rel=1e-4) for a, b in rows)


def test_dropout_differs_by_rank(tmp_path: Path, spec: dict[str, Any], together: Any) -> None:
    together(spec, tmp_path / "two")
    states = read_checkpoint(tmp_path / "two/checkpoints" / LAST)["callbacks"]["DropoutStream"]["ranks"]
    assert len(states) == 2
    assert not torch.equal(states[0]["cpu"], states[1]["cpu"])


def test_resumed_equals_uninterrupted(tmp_path: Path, spec: dict[str, Any], read_curve: Any, together: Any) -> None:
    """Stopped by a signal to one of them, paused, killed, and continued each time."""
    assert together(spec, tmp_path / "whole") == [0, 0]
    folder = tmp_path / "stopped"
    assert together(spec, folder, signals={1: [(2, 15)]}) == [143, 143]
    assert json.loads((folder / "state.json").read_text())["step"] == 2
    assert read_checkpoint(folder / "checkpoints" / LAST)["global_step"] == 2
    assert together(spec, folder, until=4) == [0, 0]
    assert json.loads((folder / "state.json").read_text())["status"] == "paused"
    assert together(spec, folder, signals={0: [(6, 2)]}) == [130, 130]
    codes = together(spec, folder, signals={1: [(8, 9)]})
    assert codes[1] == -9 and codes[0] not in (0, None)
    assert "another process of the trial is gone" in json.loads((folder / "state.json").read_text())["reason"]
    assert together(spec, folder) == [0, 0]
    assert read_curve(folder) == read_curve(tmp_path / "whole")
    again, straight = weights(folder), weights(tmp_path / "whole")
    assert all(torch.equal(again[k], straight[k]) for k in straight)
    assert summary_of(folder)["metrics"] == summary_of(tmp_path / "whole")["metrics"]


def test_three_add_up_in_the_same_order_when_resumed(tmp_path: Path, spec: dict[str, Any], together: Any) -> None:
    """Wide enough that the sums of three differ by their order."""
    spec["trainer"]["devices"] = 3
    spec["model"] = {"width": 200}
    assert together(spec, tmp_path / "whole", world=3) == [0, 0, 0]
    assert together(spec, tmp_path / "stopped", world=3, signals={2: [(5, 15)]}) == [143, 143, 143]
    assert together(spec, tmp_path / "stopped", world=3) == [0, 0, 0]
    again, straight = weights(tmp_path / "stopped"), weights(tmp_path / "whole")
    assert all(torch.equal(again[k], straight[k]) for k in straight)


def test_not_a_number_on_one_rank_ends_all(tmp_path: Path, spec: dict[str, Any], together: Any) -> None:
    """Rank 1 takes two of three rows, so a poisoned token in the last row is only its own."""
    poisoned = {**spec, "model": {"poison": 5}}
    assert together(poisoned, tmp_path / "run") == [3, 3]
    assert summary_of(tmp_path / "run")["reason"].startswith("the training loss is nan at step 5; last good checkpoint")


def test_done_and_refused_are_told_to_all(tmp_path: Path, spec: dict[str, Any], together: Any) -> None:
    assert together(spec, tmp_path / "run") == [0, 0]
    before = (tmp_path / "run/metrics.csv").stat().st_mtime_ns
    assert together(spec, tmp_path / "run") == [0, 0]
    assert (tmp_path / "run/metrics.csv").stat().st_mtime_ns == before
    (tmp_path / "run/summary.json").unlink()
    assert together({**spec, "seed": 3}, tmp_path / "run") == [1, 1]


def test_another_number_of_processes_is_refused(tmp_path: Path, spec: dict[str, Any], together: Any) -> None:
    spec["trainer"]["devices"] = "auto"
    assert together(spec, tmp_path / "run", until=4) == [0, 0]
    with pytest.raises(CannotResume, match="2 processes trained it, now there would be 1"):
        run_trial(spec, tmp_path / "run", build_parts=toy_parts)


def test_more_processes_than_rows(tmp_path: Path, spec: dict[str, Any]) -> None:
    small = {**spec, "data": {**spec["data"], "batch_size": 1}}
    with pytest.raises(SpecError, match=r"data\.batch_size: a batch has 1 rows, fewer than there are processes \(2\)"):
        run_trial(small, tmp_path / "run", build_parts=toy_parts)


def test_lightning_refuses_fsdp_without_a_gpu(tmp_path: Path, spec: dict[str, Any]) -> None:
    spec["trainer"]["strategy"] = "fsdp"
    with pytest.raises(SpecError, match=r"trainer: .*fsdp.*GPU"):
        run_trial(spec, tmp_path / "run", build_parts=toy_parts)
    assert "fsdp" in json.loads((tmp_path / "run/state.json").read_text())["reason"]


def test_what_cannot_be_sent_is_told(tmp_path: Path, spec: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="must be picklable"):
        run_trial(spec, tmp_path / "run", build_parts=lambda spec: toy_parts(spec))
