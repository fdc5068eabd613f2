"""The weights that did best in validation are evaluated on the test split, once, and nothing is chosen by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from toy import toy_parts

from experiments.data import LabelledText, ParallelText, Text
from experiments.training.checkpoint_io import BEST, LAST, model_state, read_checkpoint
from experiments.training.interrupts import Interrupts
from experiments.training.trial import run_trial


@pytest.fixture
def spec(tmp_path: Path, toy_spec: Any) -> dict[str, Any]:
    test = tmp_path / "toy_test.txt"
    test.write_bytes(bytes((i * i * i) % 61 + 32 for i in range(43)))
    found: dict[str, Any] = toy_spec(max_steps=13)
    return {**found, "data": {**found["data"], "test": str(test)}}


def rows_of_test(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [row for row in rows if row[2].startswith("test/")]


@pytest.mark.parametrize(("goal", "first"), [("minimize", False), ("maximize", True)])
def test_the_best_weights(tmp_path: Path, spec: dict[str, Any], read_curve: Any, goal: str, first: bool) -> None:
    metric = {"name": "valid/loss", "goal": goal}
    summary = run_trial({**spec, "metric": metric}, tmp_path / "run", build_parts=toy_parts)
    # the largest loss is that of the first validation
    assert (summary["best_step"] < 5) == first
    assert {name.split("/")[0] for name in summary["metrics"]} == {"valid", "test"}
    assert {name.split("/")[0] for name in summary["best_metrics"]} == {"valid"}
    rows = rows_of_test(read_curve(tmp_path / "run"))
    assert {row[0] for row in rows} == {"13"}
    assert {row[2]: float(row[3]) for row in rows} == {
        name: value for name, value in summary["metrics"].items() if name.startswith("test/")
    }
    task = toy_parts(spec).task
    task.model.load_state_dict(model_state(read_checkpoint(tmp_path / "run/checkpoints" / BEST)))
    last = model_state(read_checkpoint(tmp_path / "run/checkpoints" / LAST))
    differs = any(not tensor.equal(last[name]) for name, tensor in task.model.state_dict().items())
    assert differs == first
    sums = [task.eval().measure(batch) for batch in task.data.eval_loader("test")]
    nats, tokens = (sum(float(s[name].detach()) for s in sums) for name in ("nats", "tokens"))
    assert tokens == 42
    assert summary["metrics"]["test/loss"] == pytest.approx(nats / tokens, rel=1e-6)


def test_validation_and_training_do_not_notice(tmp_path: Path, spec: dict[str, Any], read_curve: Any) -> None:
    without = {**spec, "data": {k: v for k, v in spec["data"].items() if k != "test"}}
    found = run_trial(spec, tmp_path / "with", build_parts=toy_parts)
    plain = run_trial(without, tmp_path / "without", build_parts=toy_parts)
    rows = read_curve(tmp_path / "with")
    assert [row for row in rows if row not in rows_of_test(rows)] == read_curve(tmp_path / "without")
    assert found["best_step"] == plain["best_step"]


def test_limited_or_left_out(tmp_path: Path, spec: dict[str, Any]) -> None:
    options = spec["trainer"]
    whole = run_trial(spec, tmp_path / "whole", build_parts=toy_parts)["metrics"]["test/loss"]
    part = run_trial({**spec, "trainer": {**options, "limit_test_batches": 1}}, tmp_path / "1", build_parts=toy_parts)
    none = run_trial({**spec, "trainer": {**options, "limit_test_batches": 0}}, tmp_path / "0", build_parts=toy_parts)
    assert part["metrics"]["test/loss"] != whole
    assert not any(name.startswith("test/") for name in none["metrics"])


def test_stopped_in_the_middle_of_it(
    tmp_path: Path, spec: dict[str, Any], read_curve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_trial(spec, tmp_path / "whole", build_parts=toy_parts)
    original = Interrupts.on_test_batch_start

    def ask(self: Interrupts, trainer: Any, module: Any, batch: Any, batch_idx: int, *more: Any) -> None:
        self.asked = 15 if batch_idx == 1 else None
        original(self, trainer, module, batch, batch_idx)

    monkeypatch.setattr(Interrupts, "on_test_batch_start", ask)
    assert run_trial(spec, tmp_path / "stopped", build_parts=toy_parts)["exit_code"] == 143
    assert rows_of_test(read_curve(tmp_path / "stopped")) == []
    monkeypatch.undo()
    assert run_trial(spec, tmp_path / "stopped", build_parts=toy_parts)["metrics"] == whole["metrics"]
    assert read_curve(tmp_path / "stopped") == read_curve(tmp_path / "whole")


def test_done_again_where_the_summary_is_missing(tmp_path: Path, spec: dict[str, Any], read_curve: Any) -> None:
    run_trial(spec, tmp_path / "run", build_parts=toy_parts)
    summary = tmp_path / "run/summary.json"
    expected, rows = json.loads(summary.read_text()), read_curve(tmp_path / "run")
    summary.unlink()
    assert run_trial(spec, tmp_path / "run", build_parts=toy_parts)["metrics"] == expected["metrics"]
    assert read_curve(tmp_path / "run") == rows


def test_which_splits_there_are(tmp_path: Path, toy_spec: Any) -> None:
    own = {k: v for k, v in toy_spec()["data"].items() if k in ("train", "valid")}
    assert Text().splits() == LabelledText().splits() == ParallelText().splits() == ["train", "valid", "test"]
    assert Text(**own).splits() == Text(train=own["train"]).splits() == ["train", "valid"]
