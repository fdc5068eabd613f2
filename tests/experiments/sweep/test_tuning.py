"""Which settings are tried for each variant, and which are chosen."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from fake_sweep import LR, FakeTrials, facts, finish, open_trials, rounds, train

from experiments.sweep.axes import space_of
from experiments.sweep.outcome import Outcome
from experiments.sweep.tpe import Tpe
from experiments.sweep.trials import Trial
from experiments.training.loggers import MissingExtra

RATES = {LR: {"log_uniform": [1e-4, 1e-1]}}
MIXED = {
    **RATES,
    "a.block": ["word", {"kind": "block", "width": 3}, None],
    "a.number": {"integers": [2, 5]},
    "a.share": {"uniform": [0.0, 0.5]},
}


def tried(trials: list[Trial], label: str) -> list[Any]:
    """The settings of a variant's tries, in their order."""
    return [dict(t.tuned) for t in trials if t.variant.label == label and t.stage == "tune"]


def chosen(trials: list[Trial]) -> dict[str, Any]:
    return {t.variant.label: dict(t.tuned) for t in trials if t.stage == "compare"}


def bowl(trial: Trial, step: int) -> float:
    """A different best value for each variant."""
    return abs(trial.tuned[LR] - {"a": 0.001, "b": 0.01, "c": 0.1}[trial.variant.label])


SEARCHES: dict[str, dict[str, Any]] = {
    "grid": {"tune": {LR: [0.001, 0.01, 0.1]}, "search": "grid"},
    "random": {"tune": RATES, "search": "random", "tries": 8},
    "tpe": {"tune": RATES, "search": "tpe", "tries": 14},
}


@pytest.mark.parametrize("search", SEARCHES)
def test_every_variant_has_as_many_tries(search: str) -> None:
    wanted, _, deciding = finish(lambda: rounds("abc", **SEARCHES[search]), bowl)
    counts = Counter((t.variant.label, t.stage) for t in wanted)
    tries = SEARCHES[search].get("tries", 3)
    assert counts == {(label, stage): n for label in "abc" for stage, n in (("tune", tries), ("compare", 3))}
    assert deciding.at_most == len(wanted)
    for label, settings in chosen(wanted).items():
        best = min(tried(wanted, label), key=lambda s: abs(s[LR] - {"a": 0.001, "b": 0.01, "c": 0.1}[label]))
        assert settings == best


def test_a_grid_tries_every_combination_with_the_seeds_apart_from_those_of_the_comparison() -> None:
    found = rounds("ab", tune={LR: [0.1, 0.2], "x": [True, False]}, tuning_seeds=2, first_seed=50).wanted({})
    assert [(t.variant.label, t.seed) for t in found][:5] == [("a", 50), ("a", 51), ("b", 50), ("b", 51), ("a", 50)]
    assert tried(found, "b")[::2] == [{LR: lr, "x": x} for lr in (0.1, 0.2) for x in (True, False)]


def test_draws_are_the_same_for_all_variants_and_depend_on_nothing_but_the_seed() -> None:
    found = rounds("ab", tune=MIXED, search="random", tries=20).wanted({})
    assert tried(found, "a") == tried(found, "b") and len(tried(found, "a")) == 20
    for settings in tried(found, "a"):
        assert 1e-4 <= settings[LR] <= 1e-1 and 0 <= settings["a.share"] <= 0.5
        assert settings["a.number"] in range(2, 6) and settings["a.block"] in MIXED["a.block"]
    assert tried(rounds("b", tune=MIXED, search="random", tries=20).wanted({}), "b") == tried(found, "b")


def test_a_score_is_the_mean_over_the_seeds() -> None:
    table = {0.1: [5.0, 1.0], 0.2: [2.0, 2.0]}
    make = lambda: rounds("a", tune={LR: [0.1, 0.2]}, tuning_seeds=2)  # noqa: E731
    wanted, _, _ = finish(make, lambda t, step: table[t.tuned[LR]][t.seed % 2])
    assert chosen(wanted) == {"a": {LR: 0.2}}


def test_the_metric_says_what_is_better_and_of_equals_the_earlier_is_chosen() -> None:
    tune = {LR: [0.3, 0.1, 0.4, 0.2]}
    value = lambda trial, step: round(trial.tuned[LR])  # noqa: E731
    wanted, _, _ = finish(lambda: rounds("a", tune=tune), value)
    assert chosen(wanted) == {"a": {LR: 0.3}}
    wanted, _, _ = finish(lambda: rounds("a", tune=tune, goal="maximize"), lambda trial, step: trial.tuned[LR])
    assert chosen(wanted) == {"a": {LR: 0.4}}


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
@pytest.mark.parametrize("search", SEARCHES)
def test_a_try_that_fails_is_never_chosen(search: str, goal: str) -> None:
    def world(trial: Trial, step: int) -> float | str:
        return "failed" if trial.tuned[LR] < 0.002 and trial.seed == 1001 else -1000.0

    wanted, outcomes, _ = finish(lambda: rounds("a", goal=goal, tuning_seeds=2, **SEARCHES[search]), world)
    assert any(outcomes[t.id].status == "failed" for t in wanted)
    assert all(settings[LR] >= 0.002 for settings in chosen(wanted).values()) and chosen(wanted)


def test_a_result_without_the_metric_counts_as_none() -> None:
    deciding = rounds("a", tune={LR: [0.1, 0.2]})
    first, second = deciding.wanted({})
    outcomes = {first.id: Outcome("finished", {}), second.id: Outcome("finished", {"valid/loss": 9.0})}
    assert chosen(deciding.wanted(outcomes)) == {"a": {LR: 0.2}}
    for nothing in (float("nan"), float("-inf")):
        found = deciding.wanted(outcomes | {first.id: Outcome("finished", {"valid/loss": nothing})})
        assert chosen(found) == {"a": {LR: 0.2}}
    assert chosen(deciding.wanted(outcomes | {first.id: Outcome("diverged", {"valid/loss": 1.0})})) == {"a": {LR: 0.2}}
    deciding.wanted({first.id: Outcome("finished", {}), second.id: Outcome("diverged")})
    assert deciding.troubles == {"a": "of 2 tries none came to a result; the first: finished, without valid/loss"}


def test_the_reason_is_that_of_the_trial_that_came_to_nothing() -> None:
    deciding = rounds("a", tune={LR: [0.1]}, tuning_seeds=2)
    first, second = deciding.wanted({})
    deciding.wanted({first.id: train(first, lambda t, s: 1.0), second.id: Outcome("failed", reason="out of memory")})
    assert deciding.troubles == {"a": "of 1 try none came to a result; the first: out of memory"}


def test_variants_go_on_independently() -> None:
    deciding = rounds("ab", tune={LR: [0.1, 0.2]})
    outcomes = {t.id: train(t, bowl) for t in deciding.wanted({}) if t.variant.label == "b"}
    found = deciding.wanted(outcomes)
    assert [t.variant.label for t in open_trials(found, outcomes)] == ["a", "a", "b", "b", "b"]
    assert deciding.chosen(found[0].variant) is None and deciding.chosen(found[1].variant) == {LR: 0.1}


def test_settings_that_do_not_go_together_are_a_try_that_failed() -> None:
    trials = FakeTrials(lambda label, tuned: label == "b" and tuned.get(LR, 1) < 0.15)
    for search in ({"search": "grid"}, {"search": "tpe", "tries": 12}):
        tune = {LR: [0.1, 0.2, 0.3]}
        wanted, _, deciding = finish(
            lambda t=tune, s=search: rounds("ab", tune=t, trials=trials, **s), lambda t, s: 1.0
        )
        assert chosen(wanted)["b"][LR] > 0.15 and deciding.troubles == {}


def test_tpe_asks_for_one_try_at_a_time_and_begins_alike_for_all() -> None:
    deciding = rounds("ab", tune=MIXED, search="tpe", tries=3)
    first = deciding.wanted({})
    assert [t.variant.label for t in first] == ["a", "b"] and first[0].tuned == first[1].tuned
    outcomes = {first[0].id: Outcome("finished", {"valid/loss": 1.0})}
    assert [t.variant.label for t in deciding.wanted(outcomes)] == ["a", "b", "a"]
    _, outcomes, _ = finish(lambda: rounds("ab", tune=MIXED, search="tpe", tries=12), lambda t, step: t.tuned[LR])
    assert len(outcomes) == 24 + 6


def test_tpe_suggests_the_same_after_a_restart() -> None:
    make = lambda: rounds("abc", **SEARCHES["tpe"])  # noqa: E731
    wanted, outcomes, _ = finish(make, bowl)
    assert facts(make().wanted(outcomes)) == facts(wanted)
    assert facts(finish(make, bowl, fresh=True)[0]) == facts(wanted)


def test_tpe_learns_from_results_and_from_failures() -> None:
    space = space_of({LR: {"uniform": [0.0, 1.0]}})
    settings = Tpe(space, 7).walk(60, lambda number, tuned: abs(tuned[LR] - 0.7))
    late = [abs(tuned[LR] - 0.7) < 0.15 for tuned in settings[30:]]
    assert sum(late) > 20
    lost = Tpe(space, 7).walk(60, lambda number, tuned: float("inf") if tuned[LR] > 0.5 else 1.0)
    assert sum(tuned[LR] > 0.5 for tuned in lost[30:]) < 10


def test_a_changed_result_changes_what_comes_after_it_only() -> None:
    space, tpe = space_of(MIXED), Tpe(space_of(MIXED), 7)
    first = tpe.walk(30, lambda number, tuned: tuned[LR])
    assert tpe.walk(12, lambda number, tuned: tuned[LR]) == first[:12]
    changed = tpe.walk(30, lambda number, tuned: -tuned[LR] if number == 15 else tuned[LR])
    assert changed == Tpe(space, 7).walk(30, lambda number, tuned: -tuned[LR] if number == 15 else tuned[LR])
    assert changed[:16] == first[:16] and changed != first
    assert tpe.walk(30, lambda number, tuned: tuned[LR]) == first
    assert tpe.walk(30, lambda number, tuned: tuned[LR] if number < 7 else None) == first[:8]


def test_tpe_says_nothing(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Tpe(space_of(MIXED), 7).walk(12, lambda number, tuned: 1.0 if number else float("inf"))
    assert capfd.readouterr() == ("", "") and not caplog.records


def test_a_missing_library_is_named_at_planning_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtra, match=r"pip install 'swapformer\[search\]'"):
        rounds("a", **SEARCHES["tpe"])


def test_optuna_is_left_alone_where_it_is_not_needed() -> None:
    words = "import sys, experiments.sweep.rounds; print('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], capture_output=True, text=True).stdout.strip() == "False"
