"""Which trials a sweep wants: always the same for the same results."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from fake_sweep import LR, STEPS, FakeTrials, facts, finish, open_trials, rounds, train
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.sweep.outcome import Outcome
from experiments.sweep.plan import make_plan
from experiments.sweep.rounds import Rounds
from experiments.sweep.trials import Trial, Trials
from experiments.sweep_options import AutoSeeds
from registry.load import load

TUNE = {LR: [0.1, 0.2, 0.3]}
KINDS: dict[str, dict[str, Any]] = {
    "grid": {"tune": TUNE},
    "two seeds a try": {"tune": TUNE, "tuning_seeds": 2},
    "random": {"tune": {LR: {"log_uniform": [1e-4, 1e-2]}}, "search": "random", "tries": 4},
    "halving": {"tune": {LR: [k / 10 for k in range(9)]}, "halving": 3},
    "tpe": {"tune": {LR: {"uniform": [0.0, 1.0]}, "x": ["a", {"kind": "b"}]}, "search": "tpe", "tries": 12},
    "auto": {"seeds": AutoSeeds(width=0.2, at_most=9), "baseline": "a"},
    "auto without a baseline": {"seeds": AutoSeeds(at_most=9)},
    "tuned auto": {"tune": TUNE, "seeds": AutoSeeds(width=0.2, at_most=9), "baseline": "b"},
}


def luck(*about: Any) -> float:
    """A number in [0, 1) that is the same for the same arguments."""
    return random.Random(json.dumps(about)).random()


def hostile(salt: int, failing: float) -> Any:
    """A world in which everything differs, and a share of the trials fails or diverges, some of them late."""

    def world(trial: Trial, step: int) -> float | str:
        if luck(salt, "fails", trial.id) < failing and step > STEPS * luck(salt, "when", trial.id):
            return "failed" if luck(salt, "how", trial.id) < 0.5 else "diverged"
        return 1 + luck(salt, trial.variant.label, dict(trial.tuned)) + luck(salt, trial.id) / 5 + 1 / step

    return world


def test_without_tuning_all_variants_of_a_seed_come_before_the_next_seed() -> None:
    found = rounds("ab", [3, 1]).wanted({})
    assert [(t.variant.label, t.seed) for t in found] == [("a", 3), ("b", 3), ("a", 1), ("b", 1)]
    assert all(t.stage == "compare" and t.until is None for t in found)


def test_a_plain_sweep_wants_the_same_whatever_comes_out() -> None:
    wanted, outcomes, deciding = finish(lambda: rounds("ab", range(5)), hostile(1, failing=0.5))
    assert {o.status for o in outcomes.values()} == {"finished", "failed", "diverged"}
    assert facts(wanted) == facts(deciding.wanted({})) and len(wanted) == deciding.at_most == 10
    assert deciding.describe() == [] and deciding.troubles == {} and deciding.chosen(wanted[0].variant) is None


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(salt=st.integers(0, 10**6), failing=st.sampled_from([0.0, 0.2, 0.9]), order=st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_interruptions_change_nothing(
    kind: str, salt: int, failing: float, order: random.Random
) -> None:
    world = hostile(salt, failing)
    expected, everything, _ = finish(lambda: rounds(**KINDS[kind]), world)
    deciding, outcomes = rounds(**KINDS[kind]), dict[str, Outcome]()
    before: dict[str, int] = {}
    while left := open_trials(wanted := deciding.wanted(outcomes), outcomes):
        # whoever starts here knows no more than what is written down
        if order.random() < 0.2:
            assert facts(rounds(**KINDS[kind]).wanted(outcomes)) == facts(wanted)
        now = {t.id: STEPS if t.until is None else t.until for t in wanted}
        assert all(now[id_] >= until for id_, until in before.items())
        before = now
        trial = order.choice(left)
        found = outcomes[trial.id] = train(trial, world)
        if not found.settled and order.random() < 0.3:
            # it had gone on when the sweep was stopped
            outcomes[trial.id] = Outcome("interrupted", {}, found.curve)
    assert facts(wanted) == facts(expected)
    assert {id_: (o.status, o.metrics) for id_, o in outcomes.items() if o.status != "interrupted"}.items() <= {
        id_: (o.status, o.metrics) for id_, o in everything.items()
    }.items()
    assert len(wanted) <= deciding.at_most


@pytest.mark.parametrize("kind", KINDS)
def test_an_earlier_answer_is_not_changed_by_what_was_asked_in_between(kind: str) -> None:
    deciding = rounds(**KINDS[kind])
    first = facts(deciding.wanted({}))
    _, outcomes, _ = finish(lambda: rounds(**KINDS[kind]), hostile(3, failing=0.1))
    last = facts(deciding.wanted(outcomes))
    assert facts(deciding.wanted({})) == first
    assert facts(deciding.wanted(outcomes)) == last
    # and neither by another course of things, in which other settings were chosen
    _, others, fresh = finish(lambda: rounds(**KINDS[kind]), hostile(4, failing=0.1))
    assert facts(deciding.wanted(others)) == facts(fresh.wanted(others))
    assert "tune" not in KINDS[kind] or facts(fresh.wanted(others)) != last


def test_trials_that_still_run_or_were_interrupted_are_not_results() -> None:
    deciding = rounds("a", tune=TUNE)
    tries = deciding.wanted({})
    for status in ("running", "interrupted", "pending", "paused"):
        outcomes = {t.id: Outcome(status, {"valid/loss": 1.0}) for t in tries}
        assert facts(deciding.wanted(outcomes)) == facts(tries)
    deciding = rounds("a", AutoSeeds(width=1.0))
    compared = deciding.wanted({})
    for status in ("running", "interrupted", "pending", "paused"):
        outcomes = {t.id: Outcome(status, {"valid/loss": 100.0 * t.seed}) for t in compared}
        assert facts(deciding.wanted(outcomes)) == facts(compared)


def test_the_seed_of_a_try_that_is_compared_as_well_is_trained_once_and_ranked() -> None:
    wanted, _, deciding = finish(lambda: rounds("a", tune=TUNE, first_seed=0), lambda trial, step: trial.tuned[LR])
    same = [t for t in wanted if t.seed == 0 and t.tuned == {LR: 0.1}]
    assert [t.stage for t in same] == ["compare"]
    assert len(wanted) == 5 < deciding.at_most


def test_a_variant_without_settings_is_left_with_a_reason() -> None:
    trials = FakeTrials(lambda label, tuned: label == "b" and tuned != {})

    def world(trial: Trial, step: int) -> float | str:
        return "diverged" if trial.variant.label == "c" else 1.0

    wanted, _, deciding = finish(lambda: rounds("abc", tune=TUNE, trials=trials), world)
    assert {t.variant.label for t in wanted if t.stage == "compare"} == {"a"}
    assert deciding.troubles == {
        "b": "of 3 tries none came to a result; the first: does not go together",
        "c": "of 3 tries none came to a result; the first: diverged at step 10",
    }


def test_as_many_seeds_as_it_takes_without_a_baseline_that_came_to_nothing() -> None:
    trials = FakeTrials(lambda label, tuned: label == "a" and tuned != {})
    auto = AutoSeeds(width=1e-9, at_most=5)
    wanted, _, _ = finish(lambda: rounds("abc", auto, "a", tune=TUNE, trials=trials), lambda trial, step: trial.seed)
    assert [(t.variant.label, t.seed) for t in wanted if t.stage == "compare"][-2:] == [("b", 4), ("c", 4)]


def test_more_seeds_are_decided_by_the_numbers_that_are_compared() -> None:
    deciding = rounds("a", AutoSeeds(width=0.5, at_most=5), tune={LR: [0.1]})
    (tried,) = deciding.wanted({})
    for spread, seeds in ((0.0, 3), (5.0, 5)):
        outcomes = {tried.id: Outcome("finished", {"valid/loss": 1.0})}
        for seed in range(3):
            metrics = {"valid/loss": 5.0 * seed, "test/loss": 1 + spread * seed}
            outcomes[deciding.wanted(outcomes)[1 + seed].id] = Outcome("finished", metrics)
        assert len(deciding.wanted(outcomes)) == 1 + seeds


def test_what_a_variant_did_before_it_was_tuned_asks_for_no_seeds() -> None:
    deciding = rounds("ab", AutoSeeds(width=1.0), "b", tune={LR: [0.1]})
    outcomes = {t.id: train(t, lambda trial, step: 1.0) for t in deciding.wanted({}) if t.variant.label == "b"}
    for trial in rounds("ab", range(12)).wanted({}):
        outcomes[trial.id] = train(trial, lambda trial, step: 100.0 * trial.seed)
    while left := [t for t in deciding.wanted(outcomes) if t.id not in outcomes and t.variant.label == "b"]:
        outcomes |= {t.id: train(t, lambda trial, step: 1.0) for t in left}
    assert sum(t.variant.label == "b" and t.stage == "compare" for t in deciding.wanted(outcomes)) == 3


@pytest.mark.parametrize(("goal", "seeds"), [("minimize", 5), ("maximize", 3)])
def test_the_metric_says_which_variant_is_the_best(goal: str, seeds: int) -> None:
    deciding = rounds("ab", AutoSeeds(), goal=goal)
    value = {"a": [99.9, 100.0, 100.1], "b": [50.0] * 3}
    outcomes = {t.id: train(t, lambda t, step: value[t.variant.label][t.seed]) for t in deciding.wanted({})}
    assert sum(t.variant.label == "a" for t in deciding.wanted(outcomes)) == seeds


def test_a_description_says_how_much_there_is_to_train() -> None:
    deciding = rounds("ab", AutoSeeds(), tune={LR: [k / 10 for k in range(9)]}, halving=3)
    assert deciding.describe() == [
        "tuning: 9 tries for each of 2 variants (every combination): 9 to 1/9 of the steps, 3 to 1/3 of the steps, "
        "1 to the end",
        "seeds: 3, 5, 8, 12, until the 98.75 % interval is within a hundredth of the best mean to either side",
        "at most 42 trials",
    ]


def test_a_thousand_trials_are_decided_in_no_time() -> None:
    deciding = rounds([f"v{k}" for k in range(100)], range(10))
    outcomes = {t.id: Outcome("finished", {"valid/loss": 1.0}) for t in deciding.wanted({})}
    assert len(deciding.wanted(outcomes)) == 1000


def test_a_real_sweep_with_tuning() -> None:
    spec = {
        "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2},
        "data": {"kind": "text", "length": 16},
        "task": "causal_lm",
        "trainer": {"max_epochs": 3},
        "sweep": {
            "axes": {"model.dim": [16, 32]},
            "seeds": 2,
            "tune": {LR: {"log_uniform": [1e-4, 1e-2]}},
            "tuning": {"search": "random", "tries": 4, "halving": 2},
        },
    }
    loaded = load(spec)
    plan = make_plan(loaded)
    deciding = Rounds(plan, Trials(loaded, plan), loaded)
    tries = deciding.wanted({})
    assert len(tries) == 8 and {t.stage for t in tries} == {"tune"} and {t.seed for t in tries} == {1000}
    assert [t.spec["optimizer"]["lr"] for t in tries[::2]] == [t.spec["optimizer"]["lr"] for t in tries[1::2]]
    assert {t.until for t in tries} == {len(tries[0].data.train_loader())}
    outcomes = {t.id: Outcome("finished", {"valid/loss": t.tuned[LR]}) for t in tries}
    compared = deciding.wanted(outcomes)[8:]
    best = min(t.tuned[LR] for t in tries)
    assert [(t.variant.label, t.seed, t.tuned, t.spec["optimizer"]["lr"]) for t in compared] == [
        (label, seed, {LR: best}, best) for seed in (0, 1) for label in ("16", "32")
    ]
