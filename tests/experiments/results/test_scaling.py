"""Scaling curves and changes of order, with known truths."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.simulated_sweeps import by_seed, sweep_of
from experiments.results import Scaling, SweepResults, scaling
from experiments.results.order import order_changes
from experiments.results.plan import BudgetFacts
from experiments.results.power_law import fit

SIZES = {"1x": 1e5, "2x": 2e5, "4x": 4e5, "8x": 8e5}
Truth = Callable[[float], float]


def sweep(
    truths: Mapping[str, Truth], seeds: int = 5, noise: float = 0.002, sizes: int = 4, **plan: Any
) -> SweepResults:
    """A sweep of sizes whose loss is what the truth says of the parameters, moved a little by each seed."""
    rng = np.random.default_rng(1)
    values: dict[str, dict[int, float]] = {}
    costs: dict[str, dict[str, float]] = {}
    for size, parameters in list(SIZES.items())[:sizes]:
        for name, truth in truths.items():
            label = f"{size} / {name}"
            values[label] = by_seed(truth(parameters) * np.exp(noise * rng.standard_normal(seeds)))
            costs[label] = {"parameters": int(parameters), "flops_per_token": 2 * parameters, "tokens": 1000}
    axes = {"size": tuple(SIZES)[:sizes], "kind": tuple(truths)}
    return sweep_of(values, axes=axes, costs=costs, **{"scaling": "size", **plan})


def known(results: SweepResults) -> Scaling:
    found = scaling(results)
    assert found is not None
    return found


def falling(power: float, at_smallest: float = 2.0) -> Truth:
    return lambda parameters: at_smallest * (parameters / 1e5) ** -power


def with_floor(parameters: float) -> float:
    return 1.0 + (parameters / 1e5) ** -0.5


def test_exponents_are_found_against_every_cost_that_is_known() -> None:
    found = known(sweep({"a": falling(0.1), "b": falling(0.07)}))
    assert found.axis == "size"
    assert list(found.curves) == ["parameters", "flops"]
    for cost, curves in found.curves.items():
        assert [curve.label for curve in curves] == ["a", "b"]
        for curve, truth in zip(curves, (-0.1, -0.07), strict=True):
            assert curve.exponent is not None
            assert curve.exponent.mean == pytest.approx(truth, abs=0.003)
            assert curve.offset is None
            assert [x for x, _ in curve.points] == [p * (1 if cost == "parameters" else 6000) for p in SIZES.values()]
            assert all(low is not None and high is not None and low <= y <= high for _, y, low, high in curve.line)
            assert (curve.line[0][0], curve.line[-1][0]) == pytest.approx((curve.points[0][0], curve.points[-1][0]))


def test_an_exponent_is_the_mean_of_the_seeds_own_lines() -> None:
    results = sweep({"a": falling(0.1), "b": falling(0.07)}, noise=0.05)
    (curve, _) = known(results).curves["parameters"]
    x = [math.log(parameters) for parameters in SIZES.values()]
    slopes = [
        stats.linregress(x, [math.log(results.by_seed(f"{size} / a")[seed]) for size in SIZES]).slope
        for seed in range(5)
    ]
    interval = stats.ttest_1samp(slopes, 0).confidence_interval(0.95)
    assert curve.exponent is not None
    assert (curve.exponent.low, curve.exponent.high) == pytest.approx((interval.low, interval.high))


def test_a_floor_is_found_where_there_is_one() -> None:
    (curve,) = known(sweep({"a": with_floor})).curves["parameters"]
    assert curve.offset is not None
    assert curve.offset.floor.mean == pytest.approx(1.0, abs=0.1)
    assert curve.offset.exponent.mean == pytest.approx(-0.5, abs=0.1)
    assert curve.offset.factor * 1e5**curve.offset.exponent.mean == pytest.approx(1.0, abs=0.15)
    cost, value, *_ = curve.line[-1]
    assert value == pytest.approx(with_floor(cost), abs=0.01)


def test_a_floor_takes_four_sizes_and_a_loss() -> None:
    three = known(sweep({"a": with_floor}, sizes=3)).curves["parameters"][0]
    assert three.exponent is not None
    assert three.offset is None
    gaining = known(sweep({"a": lambda parameters: 2.5 - with_floor(parameters)}, goal="maximize"))
    assert gaining.curves["parameters"][0].exponent is not None
    assert gaining.curves["parameters"][0].offset is None
    # a metric that is maximized has no floor to fall to, whatever it does
    lost = known(sweep({"a": with_floor}, goal="maximize"))
    assert lost.curves["parameters"][0].offset is None


def test_an_exact_floor_needs_no_test() -> None:
    law = fit([*SIZES.values()], [[with_floor(p) for p in SIZES.values()]] * 2, floor=True, confidence=0.95)
    assert law is not None
    assert law.offset is not None
    assert law.offset.floor.mean == pytest.approx(1.0, abs=1e-3)


def test_a_change_of_order_takes_two_clear_differences() -> None:
    crossing = {"steep": falling(0.2, 2.0), "flat": falling(0.05, 1.8)}
    found = known(sweep(crossing)).order_changes
    # 2.0 n^-0.2 = 1.8 n^-0.05 at n = (2.0 / 1.8)^(1 / 0.15) = 2.02
    (words,) = (re.sub(r"20\dk", "200k", line) for line in found)
    assert words == (
        "steep is better than flat at 4x, 8x and worse at 1x; the fitted curves cross at about 200k parameters "
        "(corrected for 4 comparisons)"
    )
    flipped = {"steep": falling(-0.2, 1 / 2.0), "flat": falling(-0.05, 1 / 1.8)}
    assert known(sweep(flipped, goal="maximize")).order_changes[0].startswith("steep is better than flat at 4x, 8x")
    vague = known(sweep(crossing, noise=0.3)).order_changes
    assert vague == ("no change of order with size is shown (1 pair of variants, 4 comparisons)",)


def test_a_change_of_order_is_corrected_for_all_comparisons() -> None:
    shift = {0: -0.2, 1: -0.1, 2: -0.15}
    nothing, down, up = (
        dict.fromkeys(shift, 1.0),
        {s: 1 + d for s, d in shift.items()},
        {s: 1 - d for s, d in shift.items()},
    )
    p = stats.ttest_1samp([*shift.values()], 0).pvalue
    assert 0.05 / 2 < p < 0.05
    families = {"a": {"1x": down, "2x": up}, "b": {"1x": nothing, "2x": nothing}}
    assert order_changes(families, "minimize", confidence=0.95) == (
        "no change of order with size is shown (1 pair of variants, 2 comparisons)",
    )
    # each of them by itself is clear
    alone = order_changes({"a": {"1x": down}, "b": {"1x": nothing}}, "minimize", confidence=0.95)
    assert alone == ("no change of order with size is shown (1 pair of variants, 1 comparison)",)


def test_curves_that_do_not_cross() -> None:
    found = known(sweep({"a": falling(0.1), "b": falling(0.1, 2.2), "c": falling(0.1, 2.4)})).order_changes
    assert found == ("no change of order with size is shown (3 pairs of variants, 12 comparisons)",)
    assert known(sweep({"a": falling(0.1)})).order_changes == ("one variant only: there is no order to change",)


def test_too_few_seeds_show_no_change() -> None:
    found = known(sweep({"steep": falling(0.2, 2.0), "flat": falling(0.05, 1.8)}, seeds=2)).order_changes
    assert found == ("no change of order with size is shown (1 pair of variants, 0 comparisons)",)


def test_one_seed_has_an_exponent_without_an_interval() -> None:
    (curve,) = known(sweep({"a": falling(0.1)}, seeds=1)).curves["parameters"]
    assert curve.exponent is not None
    assert curve.exponent.low is None
    assert curve.line[0][2:] == (None, None)


def test_values_that_have_no_logarithm_have_no_law() -> None:
    (curve,) = known(sweep({"a": lambda n: -1.0})).curves["parameters"]
    assert (curve.exponent, curve.line) == (None, ())
    assert len(curve.points) == 4


def test_no_sizes_no_scaling() -> None:
    assert scaling(sweep({"a": falling(0.1)}, scaling=None)) is None
    assert scaling(sweep({"a": falling(0.1)}, scaling="elsewhere")) is None
    assert scaling(sweep({"a": falling(0.1)}, sizes=1)) is None
    assert scaling(sweep_of({}, axes={"size": ("1x", "2x"), "kind": ("a",)}, scaling="size")) is None


def test_a_size_that_failed_is_not_drawn() -> None:
    results = sweep({"a": falling(0.1)})
    kept = tuple(trial for trial in results.trials if not trial.variant.startswith("2x"))
    (curve,) = known(SweepResults(results.folder, results.plan, kept)).curves["parameters"]
    assert [x for x, _ in curve.points] == [1e5, 4e5, 8e5]


def test_costs_that_are_the_same_for_all_sizes_are_not_drawn() -> None:
    results = sweep_of(
        {"1x": by_seed([2.0, 2.1]), "2x": by_seed([1.9, 2.0])},
        axes={"size": ("1x", "2x")},
        costs={"1x": {"parameters": 5, "train_seconds": 1.0}, "2x": {"parameters": 5, "train_seconds": 2.0}},
        scaling="size",
    )
    found = known(results)
    assert list(found.curves) == ["seconds"]
    assert found.curves["seconds"][0].label == "all"


def test_variants_by_name_take_no_part() -> None:
    results = sweep({"a": falling(0.1)})
    plan, trial = results.plan, results.trials[0]
    apart = replace(plan.variants[0], label="apart", values={"size": "1x", "kind": ""})
    other = replace(plan.variants[0], label="other", values={"size": "2x", "kind": ""})
    trials = (*results.trials, *(replace(trial, id=v.label, variant=v.label) for v in (apart, other)))
    more = replace(results, plan=replace(plan, variants=(*plan.variants, apart, other)), trials=trials)
    assert [curve.label for curve in known(more).curves["parameters"]] == ["a"]


@pytest.mark.parametrize(
    ("hold", "left"), [("parameters", ["flops"]), ("flops", ["parameters"]), ("tokens", ["parameters", "flops"])]
)
def test_nothing_is_fitted_against_what_a_budget_holds_equal(hold: str, left: list[str]) -> None:
    # what is left of a mismatch would pass for a range of sizes
    found = known(sweep({"a": falling(0.1), "b": falling(0.07)}, budget=BudgetFacts(hold, "x", 1e5, 0.01)))
    assert list(found.curves) == left
    assert found.order_changes
