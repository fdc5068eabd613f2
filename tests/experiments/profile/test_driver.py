"""Rounds of measurements, each in a process of its own; and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from experiments.cli.building import sized
from experiments.cli.main import cli
from experiments.profile import driver, profile, subjects
from experiments.profile.one import Order
from registry.load import load

SPEC: dict[str, Any] = {"name": "tiny", "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2}}


def test_rounds_take_turns_and_their_median_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[tuple[str, int]] = []
    times = iter([1.0, 1.0, 9.0, 9.0, 2.0, 2.0])

    def answer(order: Order) -> dict[str, float]:
        met.append((order.model["attention"]["kind"], order.length))
        return {"train_ms": next(times), "peak_memory_mb": 1.0}

    monkeypatch.setattr(driver, "_in_a_process", answer)
    loaded = load(SPEC)
    models, _ = subjects(loaded, {"model.attention": ["full", "performer"]}, 64, sized)
    costs = profile(models, [64], catalog=loaded.catalog, rounds=3)
    assert met == [("full", 64), ("performer", 64)] * 3
    assert [cost.train_ms for cost in costs] == [2.0, 2.0]
    assert all(cost.parameters and cost.flops_per_token for cost in costs)


def test_lengths_that_would_take_too_long_are_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(order: Order) -> dict[str, float]:
        return {"train_ms": order.length**2 / 100, "peak_memory_mb": 1.0}

    monkeypatch.setattr(driver, "_in_a_process", answer)
    loaded = load(SPEC)
    models, _ = subjects(loaded, {}, 64, sized)
    costs = profile(models, [100, 200, 400, 800], catalog=loaded.catalog, rounds=2, seconds=2.0)
    assert [cost.train_ms for cost in costs] == [100.0, 400.0, 1600.0, None]
    assert "about 6 s" in (costs[-1].failed or "")


@pytest.mark.slow
def test_the_command_writes_figures_tables_and_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text("model: {topology: decoder, dim: 16, layers: 1, heads: 2}\n")
    words = ["profile", "tiny.yaml", "--lengths", "32,64,128", "--rounds", "1", "--axes", "model.attention=full,linear"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    assert "training step" in result.output and "n^" in result.output
    content = json.loads(Path("runs/tiny/profile.json").read_text())
    assert [(row["label"], row["length"]) for row in content["rows"]][:2] == [("full", 32), ("full", 64)]
    assert content["exponents"] and Path("runs/tiny/profile.svg").stat().st_size > 1000


@pytest.mark.slow
def test_a_model_that_does_not_fit_into_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_allowed_memory", lambda: 600)
    loaded = load({**SPEC, "model": {**SPEC["model"], "dim": 64}})
    models, _ = subjects(loaded, {}, 64, sized)
    costs = profile(models, [64, 2**19], catalog=loaded.catalog, rounds=1)
    assert costs[0].train_ms and costs[1].failed == "out of memory"


@pytest.mark.parametrize("lengths", ["", "1", "512,x", "k"])
def test_bad_lengths_are_refused(lengths: str) -> None:
    result = CliRunner().invoke(cli, ["profile", "demo", "--lengths", lengths])
    assert result.exit_code == 2 and "lengths" in result.output


@pytest.mark.parametrize("axis", ["model.attention", "=full", "model.attention=[", "model.attention="])
def test_bad_axes_are_refused(axis: str) -> None:
    result = CliRunner().invoke(cli, ["profile", "demo", "--axes", axis])
    assert result.exit_code == 2 and "--axes" in result.output
