"""Successive halving against a slow and obvious one, and the length of rungs."""

from __future__ import annotations

import math
from typing import Any

import pytest
from fake_sweep import EVERY, LR, STEPS, FakeTrials, facts, finish, rounds
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.sweep.halving import LOST, Course, climb, course, rungs_of
from experiments.sweep.outcome import Outcome
from experiments.training.options import trainer_arguments

NONE: dict[str, Any] = dict.fromkeys(
    ("max_steps", "max_epochs", "val_check_interval", "check_val_every_n_epoch", "limit_train_batches")
) | {"accumulate_grad_batches": 1}

scores = st.one_of(st.integers(0, 4).map(float), st.just(LOST))


def obvious(table: list[list[float]], eta: int) -> tuple[list[int], int | None]:
    """How many rungs each try comes to, and the best; all scores known. A try that is lost stays lost."""
    alive = set(range(len(table)))
    came_to = dict.fromkeys(alive, 0)
    rungs = len(table[0])
    for rung in range(rungs - 1):
        ranking = sorted((table[n][rung], n) for n in alive)
        places = max(1, len(alive) // eta)
        alive = {n for score, n in ranking[:places] if score != LOST}
        for n in alive:
            came_to[n] = rung + 1
    # the furthest of those that were never lost, then the better score there, then the earlier
    fit = [(-came_to[n], table[n][came_to[n]], n) for n in came_to if table[n][came_to[n]] != LOST]
    return list(came_to.values()), min(fit)[2] if fit else None


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_it_is_the_obvious_one(data: st.DataObject) -> None:
    rungs, eta = data.draw(st.integers(1, 4)), data.draw(st.integers(2, 4))
    table = data.draw(st.lists(st.lists(scores, min_size=rungs, max_size=rungs), min_size=1, max_size=12))
    found = climb(len(table), rungs, eta, lambda number, rung: table[number][rung])
    assert found.done and (found.goals, found.best) == obvious(table, eta)


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_a_rung_is_decided_when_all_of_it_is_known_and_a_decision_stands(data: st.DataObject) -> None:
    table = data.draw(st.lists(st.lists(scores, min_size=3, max_size=3), min_size=1, max_size=9))
    known: set[tuple[int, int]] = set()
    goals = [0] * len(table)
    for _ in range(3 * len(table)):
        found = climb(len(table), 3, 2, lambda n, rung: table[n][rung] if (n, rung) in known else None)
        assert all(after >= before for before, after in zip(goals, found.goals, strict=True))
        goals = found.goals
        missing = [(n, goal) for n, goal in enumerate(goals) if (n, goal) not in known]
        assert found.done == (not missing) and (found.best is None or found.done)
        if max(goals) == 0:
            assert len(known) < len(table) or all(row[0] == LOST for row in table)
        if found.done:
            break
        known.add(data.draw(st.sampled_from(missing)))
    assert goals == obvious(table, 2)[0]


def test_of_equals_the_earlier_goes_on() -> None:
    assert climb(4, 2, 2, lambda number, rung: 1.0).goals == [1, 1, 0, 0]


def test_where_all_of_the_last_rung_fail_the_best_of_those_before_them_is_taken() -> None:
    table = [[1.0, LOST], [2.0, 0.0], [3.0, 0.0]]
    assert climb(3, 2, 3, lambda number, rung: table[number][rung]).best == 1


@pytest.mark.parametrize(
    ("trainer", "expected"),
    [
        ({"max_steps": 90}, Course(90, 9)),
        ({"max_steps": 90, "val_check_interval": 20}, Course(90, 20)),
        ({"max_steps": 90, "val_check_interval": 20, "accumulate_grad_batches": 4}, Course(90, 5)),
        ({"max_steps": 90, "val_check_interval": 0.5}, Course(90, 6)),
        ({"max_steps": 90, "check_val_every_n_epoch": 2}, Course(90, 24)),
        ({"max_epochs": 5}, Course(60, 12)),
        ({"max_epochs": 5, "limit_train_batches": 0.5}, Course(30, 6)),
        ({"max_epochs": 5, "accumulate_grad_batches": 5}, Course(15, 3)),
    ],
)
def test_validations_are_where_training_has_them(trainer: dict[str, Any], expected: Course) -> None:
    found = course({**NONE, **trainer}, lambda: 12)
    assert found == expected
    assert found.steps == trainer_arguments(trainer, 12)["max_steps"]


def test_data_are_not_asked_where_steps_say_everything() -> None:
    def refuse() -> int:
        raise AssertionError

    assert course({**NONE, "max_steps": 7}, refuse) == Course(7, 1)


@settings(derandomize=True)
@given(st.integers(1, 200), st.integers(1, 300), st.integers(1, 40), st.integers(2, 5))
def test_every_rung_is_longer_than_the_one_before(tries: int, steps: int, every: int, eta: int) -> None:
    length = Course(steps, every)
    rungs = rungs_of(tries, eta, [length])
    pauses = [length.pause(eta**above) for above in reversed(range(1, rungs))]
    assert pauses == sorted(set(pauses)) and all(every <= p < steps and p % every == 0 for p in pauses)
    assert tries >= eta ** (rungs - 1) and (tries < eta**rungs or steps < every * eta**rungs)


def test_the_shortest_of_all_trials_decides_how_many_rungs_there_are() -> None:
    assert rungs_of(27, 3, [Course(1000, 1), Course(30, 10)]) == 2
    assert rungs_of(27, 3, [Course(1000, 1)]) == 4
    assert rungs_of(27, None, []) == rungs_of(27, 1, [Course(1000, 1)]) == 1


TUNE = {LR: [k / 10 for k in range(9)]}


def test_every_variant_trains_the_same_number_of_steps() -> None:
    wanted, outcomes, deciding = finish(
        lambda: rounds("abc", tune=TUNE, halving=3),
        lambda trial, step: abs(trial.tuned[LR] - {"a": 0.3, "b": 0.8, "c": 0.0}[trial.variant.label]),
    )
    tries = [t for t in wanted if t.stage == "tune"]
    for label in "abc":
        steps = [max(outcomes[t.id].curve("valid/loss")) for t in tries if t.variant.label == label]
        assert sorted(steps) == [10] * 6 + [30] * 2 + [90]
    assert {t.variant.label: t.tuned[LR] for t in wanted if t.stage == "compare"} == {"a": 0.3, "b": 0.8, "c": 0.0}
    assert len({t.id for t in tries}) == 27 and deciding.troubles == {}


def test_a_variant_that_is_too_short_to_be_paused_keeps_all_from_it() -> None:
    found = rounds("ab", tune=TUNE, halving=3, trials=FakeTrials(steps={"b": 2 * EVERY})).wanted({})
    assert {t.until for t in found} == {None}
    found = rounds("ab", tune=TUNE, halving=3, trials=FakeTrials(steps={"b": 4 * EVERY})).wanted({})
    assert {t.variant.label: t.until for t in found} == {"a": 3 * EVERY, "b": EVERY}


def test_it_starts_with_every_try_at_the_lowest_rung() -> None:
    assert {t.until for t in rounds("ab", tune=TUNE, halving=3).wanted({})} == {10}
    assert {t.until for t in rounds("ab", tune=TUNE).wanted({})} == {None}


def test_too_few_tries_for_halving_are_trained_to_the_end() -> None:
    deciding = rounds("ab", tune={LR: [0.1, 0.2]}, halving=3)
    assert {t.until for t in deciding.wanted({})} == {None}
    assert deciding.describe()[0] == "tuning: 2 tries for each of 2 variants (every combination)"


def test_a_large_metric_is_better_where_the_spec_says_so() -> None:
    wanted, _, _ = finish(lambda: rounds("a", tune=TUNE, halving=2, goal="maximize"), lambda t, step: t.tuned[LR])
    assert {t.tuned[LR] for t in wanted if t.stage == "compare"} == {0.8}


def test_a_try_that_fails_later_was_as_good_as_it_was() -> None:
    def world(trial: Any, step: int) -> float | str:
        best = trial.tuned[LR] == 0.0 and trial.stage == "tune"
        return "failed" if best and step > 30 else trial.tuned[LR]

    make = lambda: rounds("a", tune=TUNE, halving=3)  # noqa: E731
    wanted, outcomes, _ = finish(make, world, fresh=True)
    tries = [t for t in wanted if t.stage == "tune"]
    # nobody takes the place of the one that failed on the last rung, so the steps stay the same
    assert [t.until for t in tries].count(None) == 1 and [t.until for t in tries].count(30) == 2
    assert {t.tuned[LR] for t in wanted if t.stage == "compare"} == {0.1}
    assert facts(make().wanted(outcomes)) == facts(wanted)


def test_validations_that_come_later_than_wanted_are_what_a_rung_is_judged_by() -> None:
    make = lambda: rounds("a", tune=TUNE, halving=3)  # noqa: E731

    def world(trial: Any, step: int) -> float:
        return trial.tuned[LR] if step >= 30 else -trial.tuned[LR]

    wanted, _, _ = finish(make, world)
    assert {t.tuned[LR] for t in wanted if t.until is None and t.stage == "tune"} == {0.6}
    late, _, _ = finish(make, world, validation=3 * EVERY)
    assert {t.tuned[LR] for t in late if t.until is None and t.stage == "tune"} == {0.0}


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_a_value_that_is_not_finite_is_none(nothing: float, goal: str) -> None:
    def world(trial: Any, step: int) -> float:
        return nothing if trial.tuned[LR] < 0.3 and step < STEPS else 1.0

    wanted, _, _ = finish(lambda: rounds("a", tune=TUNE, halving=3, goal=goal), world)
    assert {t.tuned[LR] for t in wanted if t.until is None and t.stage == "tune"} == {0.3}


def test_a_pause_without_the_metric_is_not_waited_for() -> None:
    deciding = rounds("a", tune=TUNE, halving=3)
    outcomes = {t.id: Outcome("paused", {}, lambda name: {10: 1.0}) for t in deciding.wanted({})}
    first = next(iter(outcomes))
    outcomes[first] = Outcome("paused")
    found = {t.tuned[LR] for t in deciding.wanted(outcomes) if t.until == 30}
    assert found == {0.1, 0.2, 0.3}
