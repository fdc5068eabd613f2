"""The answer in a sentence, honest in every case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.simulated_sweeps import sweep_of
from experiments.results import SweepResults
from experiments.results import headline as signed_headline
from experiments.results.plan import BudgetFacts, Held, PlannedTrial

BASE = {0: 2.40, 1: 2.41, 2: 2.39, 3: 2.42, 4: 2.38}
VAGUE = {0: 2.41, 1: 2.39, 2: 2.40, 3: 2.40, 4: 2.385}


def headline(results: SweepResults) -> str:
    """With plain signs."""
    return signed_headline(results).replace("\u2212", "-")


def shifted(by: float, seeds: int = 5) -> dict[int, float | str]:
    return {seed: value + by * (1 + 0.01 * seed) for seed, value in BASE.items() if seed < seeds}


def test_a_variant_that_is_better() -> None:
    values = {"full": BASE, "good": shifted(-0.1), "bad": shifted(0.1), "vague": VAGUE}
    assert headline(sweep_of(values, baseline="full")) == (
        "good is better than the baseline full: 2.298 against 2.400 validation loss (difference -0.102, 95 % interval "
        "-0.105 to -0.099, 5 seeds, corrected for 3 comparisons); 1 of 3 variants is better, 1 worse, "
        "1 not distinguishable."
    )


def test_the_best_mean_is_not_always_a_verdict() -> None:
    wild = {0: 1.0, 1: 3.6, 2: 1.2, 3: 2.4, 4: 2.0}
    found = headline(sweep_of({"full": BASE, "good": shifted(-0.1), "wild": wild}, baseline="full"))
    assert found.startswith("good is better than the baseline full")
    assert "; wild has the best mean, but is not distinguishable (would need about 82 seeds)" in found


def test_what_diverged_is_in_the_sentence() -> None:
    found = headline(sweep_of({"full": BASE, "good": shifted(-0.1) | {4: "diverged"}}, baseline="full"))
    assert "4 seeds, 1 of 5 diverged" in found


def test_nothing_better() -> None:
    assert headline(sweep_of({"full": BASE, "bad": shifted(0.1), "vague": VAGUE}, baseline="full")) == (
        "No variant is shown to be better than the baseline full (2.400; 95 % interval 2.380 to 2.420, 5 seeds): "
        "1 of 2 variants is worse, 1 not distinguishable."
    )


def test_nothing_distinguishable_names_the_noise_and_the_seeds_that_it_would_take() -> None:
    results = sweep_of({"full": BASE, "vague": VAGUE}, baseline="full")
    needed = results.differences()["vague"].seeds_needed
    assert needed is not None
    assert needed > 100
    assert headline(results) == (
        "No variant can be told from the baseline full (2.4000; 95 % interval 2.3804 to 2.4196, 5 seeds): the clearest "
        "difference, that of vague (difference -0.0030, 95 % interval -0.0224 to +0.0164, 5 seeds), would need about "
        f"{needed} seeds; two runs of one variant differ by up to 0.0621 by their seeds alone, in 95 % of cases "
        "(standard deviation 0.0158, 95 % interval 0.0095 to 0.0454; the baseline)."
    )


@pytest.mark.parametrize(("seeds", "words"), [(1, "1 seed"), (2, "2 seeds")])
def test_too_few_seeds(seeds: int, words: str) -> None:
    few = {seed: BASE[seed] for seed in range(seeds)}
    found = headline(sweep_of({"full": few, "good": shifted(-0.1, seeds)}, baseline="full"))
    assert found.startswith("good ranks first on validation loss with 2.30")
    assert found.endswith(f"with {words}: a verdict needs at least 3.")
    assert "nothing can be told from the baseline full" in found
    assert "better" not in found


def test_no_seed_in_common() -> None:
    found = headline(sweep_of({"full": BASE, "late": {8: 1.0, 9: 1.1}}, baseline="full"))
    assert "without a seed that they share" in found


def test_without_a_baseline() -> None:
    clear = headline(sweep_of({"a": BASE, "b": shifted(-0.1)}))
    assert "b ranks first on validation loss with 2.298" in clear
    assert "it is better than the runner-up a (2.400) (difference -0.102" in clear
    vague = headline(sweep_of({"a": BASE, "b": VAGUE}))
    assert "it cannot be told from the runner-up a (2.4000)" in vague
    assert vague.endswith("; that would need about 216 seeds.")
    few = headline(sweep_of({"a": shifted(0, 2), "b": shifted(-0.1, 2)}))
    assert "whether it differs from the runner-up a (2.40" in few
    assert few.endswith("cannot be said: that takes 3 seeds that both have.")


def test_a_baseline_without_a_result() -> None:
    found = headline(sweep_of({"full": dict.fromkeys(BASE, "failed"), "a": BASE, "b": VAGUE}, baseline="full"))
    assert found.startswith("Nothing can be compared with the baseline full (5 of 5 failed): b ranks first")


def test_one_variant_and_none() -> None:
    assert headline(sweep_of({"a": BASE})) == (
        "a reached validation loss: 2.400 (95 % interval 2.380 to 2.420, 5 seeds)."
    )
    assert headline(sweep_of({"a": {0: "running"}})) == (
        "No trial has finished yet (1 running): nothing can be ranked."
    )


def test_what_was_held_and_where_it_was_measured() -> None:
    results = sweep_of({"full": BASE, "good": shifted(-0.1)}, baseline="full")
    variants = tuple(
        replace(variant, held=Held("hidden", 40, amount, 1000.0))
        for variant, amount in zip(results.plan.variants, (1000.0, 1003.1), strict=True)
    )
    plan = replace(results.plan, variants=variants, budget=BudgetFacts("parameters", "hidden", 1000.0, 0.01))
    assert _with(results, plan).endswith(" Held equal: parameters, by hidden, to within 0.31% (the most, at good).")
    exact = tuple(replace(variant, held=Held("hidden", 40, 1000.0, 1000.0)) for variant in variants)
    assert _with(results, replace(plan, variants=exact)).endswith("Held equal: parameters, by hidden, exactly.")
    tries = (PlannedTrial("x", "full", 1000, "tune", {"optimizer.lr": 0.1}),)
    on_valid = replace(results.plan, trials=(*results.plan.trials, *tries))
    assert "optimizer.lr tuned for each variant on the data that it is measured on" in _with(results, on_valid)
    assert " is better than " in _with(results, on_valid)


def test_tuned_sweeps_are_measured_on_test_data() -> None:
    results = sweep_of({"full": BASE, "good": shifted(-0.1)}, baseline="full")
    trials = tuple(
        replace(trial, summary=replace(trial.summary, metrics={"test/loss": trial.summary.metrics["valid/loss"]}))
        for trial in results.trials
        if trial.summary
    )
    tries = (PlannedTrial("x", "full", 1000, "tune", {"optimizer.lr": 0.1}),)
    metric = replace(results.plan.metric, name="test/loss")
    plan = replace(results.plan, metric=metric, trials=(*results.plan.trials, *tries))
    found = headline(replace(results, trials=trials, plan=plan))
    assert "2.298 against 2.400 test loss" in found
    assert found.endswith("Measured on test data; optimizer.lr tuned for each variant on validation data.")


def test_hostile_names() -> None:
    found = headline(sweep_of({"full": BASE, "\x1b[31m" + "x" * 300: shifted(-0.1)}, baseline="full"))
    assert "\x1b" not in found
    assert "x" * 100 not in found


def _with(results: SweepResults, plan: object) -> str:
    return headline(replace(results, plan=plan))  # type: ignore[arg-type]
