"""What a trial leaves behind and tells, and how it fails."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from toy import toy_parts

from experiments.training.checkpoint_io import BEST, LAST, model_state, read_checkpoint
from experiments.training.loggers import MissingExtra, build_loggers
from experiments.training.options import trainer_arguments
from experiments.training.trial import Parts, run_trial


def test_folder(tmp_path: Path, toy_spec: Any, read_curve: Any, capfd: pytest.CaptureFixture[str]) -> None:
    folder, events = tmp_path / "run", []
    summary = run_trial(toy_spec(), folder, build_parts=toy_parts, on_progress=events.append)
    assert capfd.readouterr() == ("", "")
    names = {"spec.yaml", "state.json", "metrics.csv", "summary.json", "log.txt", "checkpoints", ".lock"}
    assert {p.name for p in folder.iterdir()} == names
    assert yaml.safe_load((folder / "spec.yaml").read_text()) == toy_spec()
    state = json.loads((folder / "state.json").read_text())
    assert (state["status"], state["step"], state["max_steps"], state["reason"]) == ("finished", 14, 14, None)
    assert json.loads((folder / "summary.json").read_text()) == summary
    assert summary["tokens"] == 14 * 2 * 8
    assert summary["steps"] == 14
    assert summary["seed"] == 0
    assert summary["parameters"] == 256 * 8 + 8 * 8 + 8 + 8 * 256 + 256
    assert summary["tokens_per_second"] > 0
    assert summary["train_seconds"] > 0
    assert summary["peak_memory_mb"] > 10
    rows = read_curve(folder)
    assert [r[0] for r in rows if r[2] == "valid/loss"] == ["4", "8", "12", "14"]
    assert [r[0] for r in rows if r[2] == "train/loss"] == [str(i) for i in range(1, 15)]
    assert [{r[1] for r in rows if r[0] == step} for step in ("6", "7")] == [{"0"}, {"1"}]
    assert "Trainer.fit" in (folder / "log.txt").read_text()
    assert [e["event"] for e in events if e["event"] != "step"] == ["valid", "saved"] * 3 + ["saved", "valid", "end"]


@pytest.mark.parametrize("together", [1, 2])
def test_logging_every_few_steps(together: int, tmp_path: Path, toy_spec: Any, read_curve: Any) -> None:
    """Counted in optimizer steps; the learning rate is the one that the step is done with."""
    spec = toy_spec(log_every_n_steps=2, accumulate_grad_batches=together, max_steps=6, limit_val_batches=0)
    run_trial(spec, tmp_path / "run", build_parts=toy_parts)
    rows = [r for r in read_curve(tmp_path / "run") if r[2] == "lr"]
    assert [r[0] for r in rows] == ["2", "4", "6"]
    assert float(rows[0][3]) == pytest.approx(0.01 * 2 / 3)
    assert float(rows[2][3]) == pytest.approx(0.01 * 0.1)


def test_best_is_the_smallest_and_last_the_newest(tmp_path: Path, toy_spec: Any, read_curve: Any) -> None:
    folder = tmp_path / "run"
    summary = run_trial(toy_spec(), folder, build_parts=toy_parts)
    losses = {int(r[0]): float(r[3]) for r in read_curve(folder) if r[2] == "valid/loss"}
    assert summary["best_step"] == min(losses, key=losses.__getitem__)
    assert summary["best_metrics"]["valid/loss"] == min(losses.values())
    assert summary["metrics"]["valid/loss"] == losses[14]
    best, last = (read_checkpoint(folder / "checkpoints" / name) for name in (BEST, LAST))
    assert (best["global_step"], last["global_step"]) == (summary["best_step"], 14)
    assert last["spec"] == toy_spec()
    task = toy_parts(toy_spec()).task
    task.model.load_state_dict(model_state(best))
    batches = list(task.data.eval_loader())
    sums = [task.eval().measure(batch) for batch in batches]
    loss = sum(float(s["nats"].detach()) for s in sums) / sum(int(s["tokens"]) for s in sums)
    assert loss == pytest.approx(min(losses.values()), rel=1e-6)


def test_largest_when_the_goal_says_so(tmp_path: Path, toy_spec: Any, read_curve: Any) -> None:
    """The loss falls, so the largest is the first: later checkpoints must not become the best."""
    spec = toy_spec() | {"metric": {"name": "valid/loss", "goal": "maximize"}}
    summary = run_trial(spec, tmp_path / "run", build_parts=toy_parts)
    found = [float(r[3]) for r in read_curve(tmp_path / "run") if r[2] == "valid/loss"]
    assert summary["best_metrics"]["valid/loss"] == max(found) == found[0]
    assert summary["best_step"] == read_checkpoint(tmp_path / "run/checkpoints" / BEST)["global_step"] == 4


def test_unknown_metric(tmp_path: Path, toy_spec: Any) -> None:
    with pytest.raises(ValueError, match="metric: there is no 'valid/los'; this task has valid/loss"):
        run_trial(toy_spec() | {"metric": {"name": "valid/los"}}, tmp_path / "run", build_parts=toy_parts)


def test_failure_is_noted_and_raised(tmp_path: Path, toy_spec: Any) -> None:
    def broken(spec: Any) -> Parts:
        raise RuntimeError("the model\ndoes not build")

    with pytest.raises(RuntimeError):
        run_trial(toy_spec(), tmp_path / "run", build_parts=broken)
    state = json.loads((tmp_path / "run/state.json").read_text())
    assert (state["status"], state["reason"]) == ("failed", "RuntimeError: the model")
    assert "Traceback" in (tmp_path / "run/log.txt").read_text()
    assert run_trial(toy_spec(), tmp_path / "run", build_parts=toy_parts)["status"] == "finished"


def test_early_stopping(tmp_path: Path, toy_spec: Any) -> None:
    options = {"metric": "valid/loss", "goal": "maximize", "patience": 2, "min_delta": 0.0}
    spec = toy_spec(val_check_interval=2) | {"early_stopping": options}
    summary = run_trial(spec, tmp_path / "run", build_parts=toy_parts)
    assert (summary["status"], summary["steps"]) == ("finished", 6)
    assert summary["reason"] == "stopped early: no better valid/loss in 2 validations"
    (tmp_path / "run/summary.json").unlink()
    assert run_trial(spec, tmp_path / "run", build_parts=toy_parts)["steps"] == 6


def test_what_would_stop_at_the_last_step_has_not_stopped_early(tmp_path: Path, toy_spec: Any) -> None:
    spec = toy_spec(val_check_interval=2, max_steps=6) | {"early_stopping": {"goal": "maximize", "patience": 2}}
    summary = run_trial(spec, tmp_path / "run", build_parts=toy_parts)
    assert (summary["status"], summary["steps"], summary["reason"]) == ("finished", 6, None)


def test_repeatable_bit_by_bit(tmp_path: Path, toy_spec: Any, read_curve: Any) -> None:
    run_trial(toy_spec(), tmp_path / "a", build_parts=toy_parts)
    torch.rand(3)
    run_trial(toy_spec(), tmp_path / "b", build_parts=toy_parts)
    assert read_curve(tmp_path / "a") == read_curve(tmp_path / "b")


def test_lightning_logs_again_afterwards(tmp_path: Path, toy_spec: Any) -> None:
    logger = logging.getLogger("pytorch_lightning")
    before = (logger.handlers[:], logger.propagate, logger.level)
    run_trial(toy_spec(max_steps=1), tmp_path / "run", build_parts=toy_parts)
    assert (logger.handlers, logger.propagate, logger.level) == before


def test_tensorboard(tmp_path: Path, toy_spec: Any) -> None:
    run_trial(toy_spec() | {"loggers": ["tensorboard"]}, tmp_path / "run", build_parts=toy_parts)
    assert list((tmp_path / "run/tensorboard").glob("events.out.*"))


def test_missing_extra_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'swapformer\[wandb\]'"):
        build_loggers(["wandb"], tmp_path, "run")
    with pytest.raises(ValueError, match="there is no 'tensorbord'; there are tensorboard"):
        build_loggers(["tensorbord"], tmp_path, "run")


def test_trainer_arguments() -> None:
    with pytest.raises(ValueError, match="set max_steps or max_epochs"):
        trainer_arguments({"max_steps": None}, 10)
    assert trainer_arguments({"max_steps": 7, "val_check_interval": 3}, 10)["check_val_every_n_epoch"] is None
    assert trainer_arguments({"max_steps": 50, "accumulate_grad_batches": 2}, 10)["val_check_interval"] == 10
    assert trainer_arguments({"max_steps": 3}, 10)["val_check_interval"] == 1
    assert trainer_arguments({"max_steps": 7, "val_check_interval": 0.5}, 10)["check_val_every_n_epoch"] == 1
    assert trainer_arguments({"max_epochs": 3, "accumulate_grad_batches": 4}, 10)["max_steps"] == 9
    assert trainer_arguments({"max_epochs": 3, "limit_train_batches": 0.5}, 10)["max_steps"] == 15
    assert trainer_arguments({"max_epochs": 3, "max_steps": 20}, 10)["max_steps"] == 20
