"""As many seeds as it takes, and what that does to the intervals."""

from __future__ import annotations

import random

import pytest
from fake_sweep import finish, rounds
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.results.plan import Metric
from experiments.results.statistics import estimate, paired
from experiments.sweep.more_seeds import Results, confidence, seeds_wanted
from experiments.sweep_options import AutoSeeds, looks

AUTO = AutoSeeds(width=1.0)
LOSS = Metric()
SAME = [2.0] * 12
WILD = [10.0 * (-1) ** k for k in range(12)]


def test_what_is_certain_stops_at_the_first_look_and_what_is_not_at_the_last() -> None:
    assert seeds_wanted({"base": SAME, "same": SAME, "wild": WILD}, "base", AUTO, LOSS) == {
        "base": 12,
        "same": 3,
        "wild": 12,
    }
    assert seeds_wanted({"same": SAME, "wild": WILD}, None, AUTO, LOSS) == {"same": 3, "wild": 12}


def test_what_has_stopped_stays_where_it_is() -> None:
    assert seeds_wanted({"a": [*SAME[:3], *WILD[:9]]}, None, AUTO, LOSS) == {"a": 3}


def test_pairing_on_the_seed_takes_out_what_the_seed_does() -> None:
    results = {"base": WILD, "shifted": [value + 1 for value in WILD]}
    assert seeds_wanted(results, "base", AUTO, LOSS) == {"base": 3, "shifted": 3}
    assert seeds_wanted(results, None, AUTO, LOSS) == {"base": 12, "shifted": 12}


def test_each_variant_goes_on_without_waiting_for_the_others_but_not_for_the_baseline() -> None:
    assert seeds_wanted({"base": SAME[:3], "wild": WILD[:3], "slow": []}, "base", AUTO, LOSS) == {
        "base": 5,
        "wild": 5,
        "slow": 3,
    }
    assert seeds_wanted({"base": SAME[:4], "wild": WILD[:5]}, "base", AUTO, LOSS) == {"base": 5, "wild": 5}
    assert seeds_wanted({"base": SAME[:2], "wild": WILD[:12]}, "base", AUTO, LOSS) == {"base": 3, "wild": 3}


def test_a_look_has_its_own_share_of_the_doubt() -> None:
    assert looks(AUTO) == [3, 5, 8, 12] and confidence(AUTO) == pytest.approx(1 - 0.05 / 4)
    numbers = [0.0, 0.3, -0.2]
    assert estimate(numbers).half_width < 1 < estimate(numbers, confidence=confidence(AUTO)).half_width
    assert seeds_wanted({"a": numbers}, None, AUTO, LOSS) == {"a": 5}
    assert seeds_wanted({"a": numbers}, None, AutoSeeds(width=1.0, at_most=3), LOSS) == {"a": 3}


def test_the_default_width_is_a_hundredth_of_the_baseline_or_of_the_best() -> None:
    numbers = [99.9, 100.0, 100.1]
    wide = estimate(numbers, confidence=confidence(AutoSeeds())).half_width
    assert wide is not None and 0.5 < wide < 1
    assert seeds_wanted({"a": numbers}, None, AutoSeeds(), LOSS) == {"a": 3}
    assert seeds_wanted({"a": numbers, "best": [50.0] * 3}, None, AutoSeeds(), LOSS) == {"a": 5, "best": 3}
    # results beyond the first look do not move it
    assert seeds_wanted({"a": [*numbers, *[1.0] * 9]}, None, AutoSeeds(), LOSS) == {"a": 3}
    # the width is settled when all have been looked at once
    assert seeds_wanted({"a": numbers, "best": [50.0] * 2}, None, AutoSeeds(), LOSS) == {"a": 3, "best": 3}
    largest = Metric("valid/accuracy", "maximize")
    assert seeds_wanted({"a": numbers, "worse": [50.0] * 3}, None, AutoSeeds(), largest) == {"a": 3, "worse": 3}
    assert seeds_wanted({"base": [50.0] * 3, "a": numbers}, "base", AutoSeeds(), LOSS) == {"base": 5, "a": 5}
    assert seeds_wanted({"base": [-200.0] * 3, "a": numbers}, "base", AutoSeeds(), LOSS) == {"base": 3, "a": 3}


def test_failed_trials_are_done_but_are_no_numbers() -> None:
    failed: Results = [None] * 12
    assert seeds_wanted({"base": SAME, "a": failed}, "base", AUTO, LOSS) == {"base": 12, "a": 12}
    assert seeds_wanted({"base": failed, "a": SAME}, "base", AUTO, LOSS) == {"base": 12, "a": 12}
    assert seeds_wanted({"a": failed}, None, AutoSeeds(), LOSS) == {"a": 12}
    # two are too few for a verdict, the third comes with the next look
    assert seeds_wanted({"base": SAME, "a": [2.0, None, *SAME[2:]]}, "base", AUTO, LOSS) == {"base": 5, "a": 5}


def test_a_baseline_by_itself_is_judged_by_its_mean() -> None:
    assert seeds_wanted({"base": WILD}, "base", AUTO, LOSS) == {"base": 12}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data(), st.sampled_from([None, "a"]), st.sampled_from([None, 0.5, 2.0]))
def test_more_results_never_take_a_seed_back_and_the_end_is_the_same(
    data: st.DataObject, baseline: str | None, width: float | None
) -> None:
    values = st.one_of(st.none(), st.integers(0, 4).map(float))
    full = {label: data.draw(st.lists(values, min_size=12, max_size=12)) for label in "abc"}
    auto = AutoSeeds(width=width)
    end = seeds_wanted(full, baseline, auto, LOSS)
    known = dict.fromkeys(full, 0)
    before = dict.fromkeys(full, 0)
    while True:
        wanted = seeds_wanted({label: full[label][: known[label]] for label in full}, baseline, auto, LOSS)
        assert all(before[label] <= wanted[label] <= end[label] for label in full)
        left = [label for label in full if known[label] < wanted[label]]
        if not left:
            break
        before = wanted
        known[data.draw(st.sampled_from(left))] += 1
    assert wanted == end == known


def test_a_sweep_trains_no_more_than_it_takes() -> None:
    noise = {label: random.Random(label) for label in "abc"}

    def world(trial: object, step: int) -> float:
        label = trial.variant.label  # type: ignore[attr-defined]
        return 10 + {"a": 0.0, "b": 0.0, "c": 3.0}[label] * noise[label].random()

    auto = AutoSeeds(at_most=8)
    wanted, _, deciding = finish(lambda: rounds("abc", auto, "a"), world)
    assert {label: sum(t.variant.label == label for t in wanted) for label in "abc"} == {"a": 8, "b": 3, "c": 8}
    assert [t.seed for t in wanted] == sorted(t.seed for t in wanted) and len(wanted) < deciding.at_most == 24


def simulated(sweeps: int, auto: AutoSeeds, difference: float, level: float, seed: int) -> tuple[float, float]:
    """Share of sweeps whose last interval holds the true difference, and how many seeds they took on average."""
    source = random.Random(seed)
    hits = taken = 0
    for _ in range(sweeps):
        luck = [source.gauss(0, 1) for _ in range(auto.at_most)]
        base = [3 + x + source.gauss(0, 0.1) for x in luck]
        other = [3 + difference + x + source.gauss(0, 0.1) for x in luck]
        n = seeds_wanted({"base": base, "other": other}, "base", auto, LOSS)["other"]
        found = estimate([b - a for a, b in zip(base[:n], other[:n], strict=True)], confidence=level)
        assert found is not None and found.low is not None and found.high is not None
        hits += found.low <= difference <= found.high
        taken += n
    return hits / sweeps, taken / sweeps


def test_the_last_interval_holds_the_truth_as_often_as_it_says() -> None:
    auto = AutoSeeds(width=0.15)
    corrected, seeds = simulated(2000, auto, 0.2, confidence(auto), seed=11)
    careless, _ = simulated(2000, auto, 0.2, 0.95, seed=11)
    # they stop when luck has made the interval narrow: without the correction too many miss
    assert corrected >= 0.95 > careless
    assert 4 < seeds < 11


def test_what_is_looked_at_is_the_paired_difference_of_the_results() -> None:
    base, other = {0: 1.0, 1: 2.5, 2: 4.0}, {0: 1.5, 1: 2.0, 2: 6.0}
    found = paired(other, base)
    same = estimate([other[k] - base[k] for k in base])
    assert found is not None and same is not None
    assert (found.n, found.mean, found.sd) == pytest.approx((same.n, same.mean, same.sd))
