"""Steps that are timed: what they are timed for, and that they are remembered."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from experiments.budget import timing
from experiments.budget.timing import Timings, time_steps
from registry.errors import SpecError

TWO: dict[str, dict[str, Any]] = {"base": {}, "deep": {"model.layers": 4}}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A layer takes 10 ms a step; the layers of what was timed."""
    asked: list[int] = []

    def timed(self: Timings, full: dict[str, Any], catalog: Any, label: str) -> float:
        asked.append(full["model"]["layers"])
        return 0.01 * full["model"]["layers"]

    monkeypatch.setattr(Timings, "_timed", timed)
    return asked


def test_time_is_shared_out_in_steps(sweep: Any, clock: list[int]) -> None:
    said: list[str] = []
    solved, facts = sweep(TWO).solve(hold="time", by="steps", tell=said.append, tolerance=0.03)
    assert facts.target == pytest.approx(50 * 0.02)
    assert [v.held.value for v in solved] == [50, 25]
    assert solved[1].settings[-1] == ("trainer.max_steps", 25)
    assert clock == [2, 4]
    assert said == [
        "budget: [base] takes 20.0 ms a step",
        "budget: every variant is to have 1 s of training, by trainer.max_steps",
        "budget: [deep] takes 40.0 ms a step",
    ]


def test_timings_are_remembered(sweep: Any, clock: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sweep" / "timings.json"
    first = sweep(TWO).solve(hold="time", by="steps", tolerance=0.03, remembered=file)
    assert sorted(json.loads(file.read_text()).values()) == [0.02, 0.04]
    monkeypatch.setattr(Timings, "_timed", lambda *_: pytest.fail("timed again"))
    assert sweep(TWO).solve(hold="time", by="steps", tolerance=0.03, remembered=file) == first
    # seeds, steps and the metric change nothing of a step
    longer = sweep(TWO, seed=5, trainer__max_steps=100, schedule="constant", metric__name="valid/accuracy")
    solved, _ = longer.solve(hold="time", by="steps", tolerance=0.03, remembered=file)
    assert [v.held.value for v in solved] == [100, 50]


@pytest.mark.parametrize(
    "changed", [{"data__batch_size": 8}, {"optimizer": "sgd"}, {"trainer__precision": "bf16-mixed"}]
)
def test_what_changes_a_step_is_timed_anew(
    sweep: Any, clock: list[int], tmp_path: Path, changed: dict[str, Any]
) -> None:
    file = tmp_path / "timings.json"
    for overrides in ({}, changed, changed):
        sweep({"base": {}}, **overrides).solve(hold="time", by="steps", remembered=file)
    assert len(clock) == 2


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"a": "b"}', '{"a": -1, "b": null}'])
def test_a_damaged_memory_is_no_memory(sweep: Any, clock: list[int], tmp_path: Path, content: str) -> None:
    file = tmp_path / "timings.json"
    file.write_text(content)
    sweep({"base": {}}).solve(hold="time", by="steps", remembered=file)
    assert clock == [2]
    assert list(json.loads(file.read_text()).values()) == [0.02]


def test_nothing_is_written_where_nothing_is_timed(sweep: Any, tmp_path: Path) -> None:
    sweep({"base": {}}).solve(hold="tokens", by="steps", remembered=tmp_path / "new" / "timings.json")
    assert list(tmp_path.iterdir()) == [] or [p.name for p in tmp_path.iterdir()] == ["cache"]


def test_an_amount_of_time_of_ones_own(sweep: Any, clock: list[int]) -> None:
    solved, _ = sweep(TWO).solve(hold="time", by="steps", at=4.0)
    assert [v.held.value for v in solved] == [200, 100]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_real_steps_take_time(sweep: Any, monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    monkeypatch.setattr(timing, "_MOST", 3)
    options = {
        "trainer__accumulate_grad_batches": 2,
        "trainer__gradient_clip_val": 1.0,
        "trainer__precision": precision,
    }
    made = sweep({"base": {}}, trainer__accelerator="cpu", **options)
    assert 0 < time_steps(made.full(made.variants[0]), made.loaded.catalog) < 60


@pytest.mark.slow
def test_another_process_times_them(sweep: Any, tmp_path: Path) -> None:
    file = tmp_path / "timings.json"
    made = sweep(TWO, trainer__max_steps=500, trainer__accelerator="cpu")
    solved, _ = made.solve(hold="time", by="steps", tolerance=0.05, remembered=file)
    assert len(json.loads(file.read_text())) == 2
    assert made.solve(hold="time", by="steps", tolerance=0.05, remembered=file)[0] == solved


@pytest.mark.slow
def test_a_process_that_dies_is_told(sweep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "time_steps", _die)
    with pytest.raises(SpecError, match=r"\[base\] could not be timed: the process died"):
        sweep({"base": {}}).solve(hold="time", by="steps")


def _die(*_: Any) -> None:
    os._exit(9)


def test_a_model_that_fails_is_told(sweep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pool:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def submit(self, *_: Any) -> Any:
            raise RuntimeError("out of\nmemory")

        def shutdown(self, **_: Any) -> None: ...

    monkeypatch.setattr(timing, "ProcessPoolExecutor", Pool)
    with pytest.raises(SpecError, match=r"\[base\] could not be timed: out of memory"):
        sweep({"base": {}}).solve(hold="time", by="steps")
