"""The ranking in the terminal, and what is said below it."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from benchmarks.simulated_sweeps import by_seed, sweep_of
from experiments.display import ranked_table
from experiments.results import SweepResults

AXES = {"model.attention": ("full", "longformer", "performer"), "model.position": ("sinusoidal", "rotary")}
WORTH = {"full": 0.0, "longformer": 0.002, "performer": 0.16, "sinusoidal": 0.07, "rotary": 0.0}


def sweep(seeds: int = 5, lost: bool = False) -> SweepResults:
    rng = np.random.default_rng(0)
    values: dict[str, dict[int, float | str]] = {}
    for key in itertools.product(*AXES.values()):
        own = 2.3 + sum(WORTH[value] for value in key) + 0.012 * rng.standard_normal(seeds)
        values[" / ".join(key)] = dict(by_seed(own))
    if lost:
        values["performer / rotary"][1] = "diverged"
    costs = {label: {"parameters": 214_528, "tokens_per_second": 15_200.0} for label in values}
    return sweep_of(values, axes=AXES, baseline="full / sinusoidal", costs=costs)


def shown(results: SweepResults, width: int = 80) -> str:
    out = io.StringIO()
    ranked_table(results, Console(file=out, width=width))
    text = out.getvalue()
    assert max(map(cell_len, text.splitlines())) <= width
    return text


def test_verdicts_stand_in_the_table_and_what_they_leave_out_below() -> None:
    text = shown(sweep(lost=True))
    lines = text.splitlines()
    heading = next(line for line in lines if "variant" in line and "verdict" in line)
    assert heading.split() == ["#", "variant", "mean", "±", "95", "%", "n", "Δ", "base", "verdict", "params", "tok/s"]
    first = next(line for line in lines if line.lstrip().startswith("1 "))
    assert "full / rotary" in first
    assert "better" in first
    vague = next(line for line in lines if "not dist." in line)
    rank = vague.split()[0]
    assert any(line.startswith(f"{rank}: not distinguishable (would need about ") for line in lines)
    assert any("worse (1 of 5 diverged)" in line for line in lines)


def test_a_wide_terminal_has_it_all_in_the_table() -> None:
    lines = shown(sweep(lost=True), width=140).splitlines()
    assert any("performer / rotary " in line and "worse (1 of 5 diverged)" in line for line in lines)
    assert not any("not dist." in line for line in lines)
    assert not any(line.startswith("2: ") for line in lines)


@pytest.mark.parametrize("width", range(80, 150, 10))
def test_names_are_whole_at_every_width(width: int) -> None:
    table = [line for line in shown(sweep(lost=True), width).splitlines() if line[:2].strip().isdigit()]
    assert all(any(f" {label} " in line for line in table) for label in sweep().estimates())


def test_the_findings_below() -> None:
    text = " ".join(shown(sweep()).split())
    assert "noise floor: two runs of one variant differ by up to" in text
    assert "effect of each value, against the mean of its axis" in text
    assert "no interaction of the axes is shown" in text
    assert "corrected for 5 comparisons" in text
    assert "all 5 comparisons together (Holm)" in text


def test_an_interaction_below() -> None:
    results = sweep()
    values = {v.label: results.by_seed(v.label) for v in results.plan.variants}
    values["performer / rotary"] = {seed: value + 0.5 for seed, value in values["performer / rotary"].items()}
    text = " ".join(shown(sweep_of(values, axes=AXES, baseline="full / sinusoidal")).split())
    assert "together, beyond the sum of both (model.attention x model.position): performer and" in text


def test_scaling_below() -> None:
    values, costs = {}, {}
    rng = np.random.default_rng(0)
    for size, parameters in (("small", 1e5), ("large", 4e5)):
        for kind, power in (("full", -0.1), ("linear", -0.05)):
            label = f"{size} / {kind}"
            values[label] = by_seed(2 * (parameters / 2e5) ** power * np.exp(0.001 * rng.standard_normal(4)))
            costs[label] = {"parameters": int(parameters)}
    axes = {"model.dim": ("small", "large"), "model.attention": ("full", "linear")}
    text = " ".join(shown(sweep_of(values, axes=axes, costs=costs, scaling="model.dim")).split())
    assert "scaling with parameters, exponent: full -0.1" in text
    assert "order of variants: full is better than linear at large and worse at small" in text


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds(seeds: int) -> None:
    text = shown(sweep(seeds))
    assert "a verdict needs at least 3" in " ".join(text.split())
    assert not any("variant" in line and "verdict" in line for line in text.splitlines())
    assert any("full / sinusoidal" in line and "baseline" in line for line in text.splitlines())
    assert "better" not in text.replace("lower is better", "")
    assert "interaction" not in text or seeds > 1


def test_nothing_finished() -> None:
    text = shown(sweep_of({"a": {0: "pending"}, "b": {0: "failed"}}, baseline="a"))
    assert "No trial has finished yet (1 pending, 1 failed)" in " ".join(text.split())
    assert "b, seed 0: failed, as it was made" in text
