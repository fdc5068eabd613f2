"""Variants against the baseline, in sweeps where things are missing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from scipy import stats

from benchmarks.simulated_sweeps import METRIC, sweep_of
from experiments.results import SweepResults, paired_difference
from experiments.results.notes import notes

BASE = {0: 2.40, 1: 2.41, 2: 2.39, 3: 2.42, 4: 2.38}


def shifted(by: float, **changes: float | str) -> dict[int, float | str]:
    """The baseline's values with an offset that varies a little; s2="diverged" replaces what seed 2 has."""
    own: dict[int, float | str] = {seed: value + by * (1 + 0.01 * seed) for seed, value in BASE.items()}
    return own | {int(name[1:]): value for name, value in changes.items()}


def rows(results: SweepResults) -> dict[str, str]:
    return {row.label: row.verdict(results.plan.metric.goal) for row in results.ranking}


def test_the_family_is_every_ranked_variant_but_the_baseline() -> None:
    values = {"base": BASE, "good": shifted(-0.1), "bad": shifted(0.1), "gone": dict.fromkeys(BASE, "failed")}
    results = sweep_of(values, baseline="base")
    assert [row.label for row in results.ranked] == ["good", "base", "bad"]
    assert rows(results) == {"good": "better", "base": "baseline", "bad": "worse", "gone": "no result (5 of 5 failed)"}
    assert {row.difference.comparisons for row in results.ranked if row.difference} == {2}
    assert set(results.differences()) == {"good", "bad"}


def test_what_diverged_is_counted_and_is_no_number() -> None:
    values = {"base": BASE, "torn": shifted(-0.1, s1="diverged", s4="diverged"), "half": shifted(0.1, s0="failed")}
    results = sweep_of(values, baseline="base")
    assert rows(results)["torn"] == "better (2 of 5 diverged)"
    assert rows(results)["half"] == "worse (1 of 5 failed)"
    torn = results.ranking[0]
    assert torn.estimate is not None
    assert torn.estimate.n == 3
    assert any("torn and half" in line and "too good" in line for line in notes(results))


def test_a_value_that_is_not_finite_is_no_value() -> None:
    results = sweep_of({"base": BASE, "odd": shifted(-0.1, s3=math.nan, s4=math.inf)}, baseline="base")
    assert rows(results)["odd"] == "better (2 of 5 without a finite value)"
    assert results.by_seed("odd").keys() == {0, 1, 2}


def test_only_shared_seeds_are_compared_and_it_is_said() -> None:
    others = {seed + 2: value - 0.1 - 0.001 * seed for seed, value in enumerate(BASE.values())}
    results = sweep_of({"base": BASE, "late": others, "apart": {9: 1.0, 8: 1.1, 7: 1.2}}, baseline="base")
    late = next(row for row in results.ranked if row.label == "late")
    assert late.difference is not None
    assert late.difference.n == 3
    assert late.difference.mean == pytest.approx(sum(others[seed] - BASE[seed] for seed in (2, 3, 4)) / 3)
    apart = results.ranked[0]
    assert apart.label == "apart"
    assert apart.difference is None
    said = "\n".join(notes(results))
    assert "differences of late are over the seeds shared with the baseline only" in said
    assert "apart shared no seed with the baseline" in said


def test_a_baseline_that_failed_is_not_replaced() -> None:
    results = sweep_of({"base": dict.fromkeys(BASE, "failed"), "good": shifted(-0.1)}, baseline="base")
    assert results.baseline is not None
    assert results.baseline.rank is None
    assert results.differences() == {}
    assert results.ranked[0].difference is None
    assert "of the baseline, 5 of 5 failed: nothing is compared with it" in notes(results)


def test_a_baseline_that_half_failed_is_said() -> None:
    results = sweep_of({"base": shifted(0.0, s0="diverged"), "good": shifted(-0.1)}, baseline="base")
    assert any("of the baseline, 1 of 5 diverged" in line for line in notes(results))
    assert rows(results)["base"] == "baseline (1 of 5 diverged)"


def test_a_baseline_that_several_variants_match_is_the_first_of_the_plan() -> None:
    values = {"a / x": BASE, "a / y": shifted(-0.1)}
    results = sweep_of(values, axes={"one": ("a",), "two": ("x", "y")})
    results = replace(results, plan=replace(results.plan, baseline={"one": "a"}))
    assert [row.label for row in results.ranking if row.is_baseline] == ["a / x"]
    assert results.baseline is not None
    assert results.baseline.label == "a / x"


def test_less_than_the_luck_of_one_seed() -> None:
    results = sweep_of({"base": BASE, "just": shifted(-0.005), "far": shifted(-0.1)}, baseline="base")
    assert results.noise is not None
    assert results.noise.sd == pytest.approx(float(stats.tstd([*BASE.values()])))
    assert rows(results)["just"] == "better, by less than the luck of one seed"
    assert rows(results)["far"] == "better"


def test_looks_widen_everything() -> None:
    values = {"base": BASE, "good": shifted(-0.1, s0=2.31)}
    once, often = sweep_of(values, baseline="base"), sweep_of(values, baseline="base", looks=4)
    assert often.confidence == pytest.approx(0.9875)
    one, other = once.differences()["good"], often.differences()["good"]
    assert one.low is not None
    assert other.low is not None
    assert one.p is not None
    assert other.low < one.low
    assert other.p_holm == pytest.approx(4 * one.p)
    assert once.ranked[0].estimate is not None
    assert often.ranked[0].estimate is not None
    assert (often.ranked[0].estimate.half_width or 0) > (once.ranked[0].estimate.half_width or 0)
    assert any("4 looks" in line for line in notes(often))


def test_tries_of_tuning_are_not_ranked() -> None:
    results = sweep_of({"base": BASE, "good": shifted(-0.1)}, baseline="base")
    tries = tuple(replace(trial, seed=1000, stage="tune", id=f"{trial.id}x") for trial in results.trials[:1])
    lucky = tuple(replace(trial, summary=replace(trial.summary, metrics={METRIC: 0.1})) for trial in tries)  # type: ignore[type-var]
    more = replace(results, trials=(*results.trials, *lucky))
    assert more.by_seed("base") == BASE
    assert [row.trials for row in more.ranking] == [row.trials for row in results.ranking]
    assert more.best_trial == results.best_trial


def test_other_metrics_have_verdicts_of_their_own() -> None:
    results = sweep_of({"base": BASE, "good": shifted(-0.1), "bad": shifted(0.1)}, baseline="base")
    trials = tuple(
        replace(trial, summary=replace(trial.summary, metrics={**trial.summary.metrics, "valid/accuracy": value}))
        for trial in results.trials
        if trial.summary and (value := 1 / trial.summary.metrics[METRIC])
    )
    results = replace(results, trials=trials)
    assert results.metrics == (METRIC, "valid/accuracy")
    found = results.differences("valid/accuracy")
    assert results.goal("valid/accuracy") == "maximize"
    assert found["good"].verdict(results.goal("valid/accuracy")) == "better"
    assert found["good"].comparisons == 2
    alone = paired_difference(results.by_seed("good", "valid/accuracy"), results.by_seed("base", "valid/accuracy"))
    assert alone is not None
    assert found["good"].p == alone.p
    assert results.estimates("valid/accuracy")["base"].n == 5
    assert results.goal("valid/flavour") is None
    assert results.differences("valid/flavour") == {}


def test_costs_are_ratios_to_the_baseline() -> None:
    costs = {"base": {"parameters": 100, "flops_per_token": 5.0, "tokens": 7}, "big": {"parameters": 150}}
    results = sweep_of({"base": BASE, "big": shifted(-0.1)}, baseline="base", costs=costs)
    big, base = results.ranked
    assert results.ratios(big) == {"parameters": 1.5}
    assert results.ratios(base) == {"parameters": 1.0, "training_flops": 1.0}
    assert base.training_flops == 3 * 5.0 * 7
    assert sweep_of({"a": BASE}).ratios(base) == {}


def test_without_a_baseline_the_first_is_tested_against_the_second() -> None:
    results = sweep_of({"a": BASE, "b": shifted(-0.1), "c": shifted(0.1)})
    assert results.baseline is None
    assert results.lead is not None
    assert results.lead.verdict("minimize") == "better"
    assert results.lead.mean == pytest.approx(-0.102)
    assert sweep_of({"a": BASE}).lead is None


@pytest.mark.parametrize("unit", [1e-12, 1e12, 1e300])
def test_magnitudes_do_not_matter(unit: float) -> None:
    values = {"base": BASE, "good": shifted(-0.1), "same": shifted(0.0, s0=2.41, s1=2.40)}
    scaled = {label: {s: v * unit for s, v in own.items() if not isinstance(v, str)} for label, own in values.items()}
    assert rows(sweep_of(scaled, baseline="base")) == rows(sweep_of(values, baseline="base"))
