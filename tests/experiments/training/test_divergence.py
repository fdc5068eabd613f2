"""A loss or a weight that is not finite ends the run as diverged and never reaches a checkpoint."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from toy import ToyModel, toy_parts

from experiments.training.checkpoint_io import BEST, LAST, read_checkpoint
from experiments.training.divergence import check_weights
from experiments.training.errors import Diverged
from experiments.training.trial import Parts, exit_code, read_summary, run_trial


def finite(path: Path) -> bool:
    return all(torch.isfinite(v).all() for v in read_checkpoint(path)["state_dict"].values())


def test_training_loss(tmp_path: Path, toy_spec: Any, read_curve: Any) -> None:
    spec = toy_spec() | {"model": {"poison": 11}}
    summary = run_trial(spec, tmp_path / "run", build_parts=toy_parts)
    assert (summary["status"], summary["steps"], exit_code(summary)) == ("diverged", 11, 3)
    assert summary["reason"].startswith("the training loss is nan at step 11; last good checkpoint: step 8")
    assert summary["metrics"] == {}
    state = json.loads((tmp_path / "run/state.json").read_text())
    assert (state["status"], state["step"]) == ("diverged", 11)
    assert "step 8" in state["reason"]
    for name in (LAST, BEST):
        assert finite(tmp_path / "run/checkpoints" / name)
    assert ("11", "1", "train/loss", "nan") in read_curve(tmp_path / "run")
    assert read_summary(tmp_path / "run") == summary == run_trial(spec, tmp_path / "run", build_parts=toy_parts)


def test_before_any_checkpoint(tmp_path: Path, toy_spec: Any) -> None:
    summary = run_trial(toy_spec() | {"model": {"poison": 1}}, tmp_path / "run", build_parts=toy_parts)
    assert summary["reason"] == "the training loss is nan at step 1; no checkpoint before it"


def test_infinite_gradient(tmp_path: Path, toy_spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss of step 8 is fine, its weights are not: the validation after it sees that, and nothing is saved."""

    def explode(spec: Any) -> Parts:
        parts = toy_parts(spec)

        def spoil(module: Any, optimizer: Any) -> None:
            if module.global_step == 7:
                parts.task.model.head.bias.grad.fill_(math.inf)

        monkeypatch.setattr(parts.task, "on_before_optimizer_step", lambda optimizer: spoil(parts.task, optimizer))
        return parts

    summary = run_trial(toy_spec(), tmp_path / "run", build_parts=explode)
    assert summary["reason"].startswith("the validation loss is nan at step 8; last good checkpoint: step 4")
    assert finite(tmp_path / "run/checkpoints" / LAST)


def test_infinite_gradient_without_validation(tmp_path: Path, toy_spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(spec: Any) -> Parts:
        parts = toy_parts(spec)
        bias = parts.task.model.head.bias
        bias.register_hook(lambda gradient: gradient * math.inf if parts.task.global_step == 7 else gradient)
        return parts

    spec = toy_spec(limit_val_batches=0) | {"checkpoint": {"every": 2}}
    summary = run_trial(spec, tmp_path / "run", build_parts=explode)
    assert summary["reason"].startswith("a weight is not finite at step 8; last good checkpoint: step 6")
    assert finite(tmp_path / "run/checkpoints" / LAST)


def test_check_weights() -> None:
    model = ToyModel(5)
    check_weights(model, 3)
    with torch.no_grad():
        model.inner.weight[1, 2] = math.inf
    with pytest.raises(Diverged, match="a weight is not finite at step 3"):
        check_weights(model, 3)
