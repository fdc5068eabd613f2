"""Effects of axes, with known truths and with combinations missing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from benchmarks.simulated_sweeps import by_seed, sweep_of
from experiments.results import Effects, SweepResults, effects, holm
from experiments.results.words import MISSING

AXES = {"kind": ("full", "window", "linear"), "place": ("pre", "post")}
TRUE = {"full": -0.3, "window": 0.1, "linear": 0.2, "pre": -0.05, "post": 0.05}


def made(
    seeds: int = 5,
    noise: float = 0.0,
    left_out: tuple[str, ...] = (),
    extra: dict[str, float] | None = None,
    axes: dict[str, tuple[str, ...]] | None = None,
) -> SweepResults:
    """Additive sweeps: 2 + the effects + what the seed does to all + noise; extra: label -> what it has beyond."""
    rng = np.random.default_rng(0)
    axes = axes or AXES
    common = rng.standard_normal(seeds)
    values = {}
    for key in itertools.product(*axes.values()):
        label = " / ".join(key)
        if label not in left_out:
            own = 2 + sum(TRUE.get(value, 0.0) for value in key) + (extra or {}).get(label, 0.0)
            values[label] = by_seed(own + common + noise * rng.standard_normal(seeds))
    return sweep_of(values, axes=axes)


def known(results: SweepResults) -> Effects:
    found = effects(results)
    assert found is not None
    return found


@pytest.mark.parametrize("left_out", [(), ("linear / post",), ("linear / post", "full / pre")])
def test_additive_truths_are_found_whatever_is_left_out(left_out: tuple[str, ...]) -> None:
    found = known(made(left_out=left_out))
    assert {one.value: round(one.estimate.mean, 9) for one in found.main} == TRUE
    # without noise, what a seed does to all is taken out entirely
    assert all(one.estimate.sd == pytest.approx(0, abs=1e-9) for one in found.main)
    # and what is left of rounding is no interaction
    assert not any(pair.shown for pair in found.interactions)
    assert all(abs(cell.mean) < 1e-9 for pair in found.interactions for cell in pair.cells.values())
    assert found.seeds == (0, 1, 2, 3, 4)
    assert found.notes == ()


def test_a_balanced_sweep_by_hand() -> None:
    results = made(noise=0.1)
    found = known(results)
    table = {label: results.by_seed(label) for label in (v.label for v in results.plan.variants)}
    for one in found.main:
        with_it = [own for label, own in table.items() if one.value in label.split(" / ")]
        per_seed = [
            np.mean([own[seed] for own in with_it]) - np.mean([own[seed] for own in table.values()])
            for seed in range(5)
        ]
        assert one.estimate.mean == pytest.approx(np.mean(per_seed))
        interval = stats.ttest_1samp(per_seed, 0).confidence_interval(0.95)
        assert (one.estimate.low, one.estimate.high) == pytest.approx((interval.low, interval.high))
    # the two placements mirror each other, so that there are four tests, not five
    p = {one.value: one.p_holm for one in found.main}
    tested = ("full", "window", "linear", "pre")
    raw = [float(stats.ttest_1samp([_effect(table, s, value) for s in range(5)], 0).pvalue) for value in tested]
    assert [p[value] for value in tested] == pytest.approx(holm(raw))
    assert p["post"] == p["pre"]


def _effect(table: dict[str, dict[int, float]], seed: int, value: str) -> float:
    own = [found[seed] for label, found in table.items() if value in label.split(" / ")]
    return float(np.mean(own) - np.mean([found[seed] for found in table.values()]))


def test_an_interaction_is_found_where_it_is() -> None:
    found = known(made(noise=0.01, extra={"linear / post": 0.6}))
    (pair,) = found.interactions
    assert pair.axes == ("kind", "place")
    # 0.6 in one of six cells: 0.6 x (1 - 1/3) x (1 - 1/2) beyond the sum of the effects
    assert pair.cells["linear", "post"].mean == pytest.approx(0.2, abs=0.02)
    assert pair.cells["linear", "pre"].mean == pytest.approx(-0.2, abs=0.02)
    assert pair.shown[0][0] == "linear"
    assert found.shares["kind x place"] > 0.1


def test_intervals_agree_with_what_is_shown() -> None:
    for one in known(made(noise=0.2, seeds=4)).main:
        assert one.low_all is not None
        assert one.high_all is not None
        assert one.shown == (one.low_all > 0 or one.high_all < 0)


def test_shares_add_up_where_every_combination_was_trained() -> None:
    found = known(made(noise=0.1))
    assert found.luck is not None
    assert sum(found.shares.values()) + found.luck == pytest.approx(1)
    assert found.shares["kind"] > found.shares["place"]
    exact = known(made())
    # sums of squares by hand: 3 x 2 cells, effects squared times how often each occurs
    kind, place = 2 * (0.09 + 0.01 + 0.04), 3 * (0.0025 + 0.0025)
    assert exact.shares["kind"] == pytest.approx(kind / (kind + place))
    assert exact.luck == pytest.approx(0, abs=1e-12)


def test_what_cannot_be_told_apart_is_said() -> None:
    # linear is only ever post and the others only pre: linear and post are the same thing
    found = known(made(left_out=("linear / pre", "full / post", "window / post")))
    assert [one.value for one in found.main] == []
    assert len(found.notes) == 5
    assert found.notes[0] == (
        "the effect of full (kind) cannot be told from others with the combinations that there are"
    )
    # rotary goes with full and window only, linear with none only: effects of kind hang together by none
    axes = {"kind": ("full", "window", "linear"), "position": ("none", "rotary")}
    some = known(made(left_out=("linear / rotary",), axes=axes, noise=0.01))
    assert len(some.main) == 5
    # what has its own value to itself fits without a rest, which is no interaction
    assert ("linear", "none") not in some.interactions[0].cells


def test_seeds_that_some_combination_lacks_are_left_out() -> None:
    results = made(noise=0.1)
    gone = next(trial for trial in results.trials if trial.variant == "full / pre" and trial.seed == 3)
    left = SweepResults(results.folder, results.plan, tuple(trial for trial in results.trials if trial is not gone))
    found = known(left)
    assert found.seeds == (0, 1, 2, 4)
    assert found.notes == ("over the 4 seeds of 5 that every combination has a value for",)


def test_a_combination_that_hardly_ever_came_through_is_left_out() -> None:
    results = made(noise=0.1)
    kept = tuple(trial for trial in results.trials if trial.variant != "full / pre" or trial.seed == 3)
    found = known(SweepResults(results.folder, results.plan, kept))
    assert found.seeds == (0, 1, 2, 3, 4)
    assert found.notes == ("1 combination without a value for every seed is left out",)
    assert {one.value: one.variants for one in found.main}["full"] == 1


def test_one_seed_has_effects_without_intervals() -> None:
    found = known(made(seeds=1))
    assert found.luck is None
    assert all(one.estimate.low is None and one.p_holm is None and not one.shown for one in found.main)


def test_no_factors_no_effects() -> None:
    assert effects(sweep_of({"a": by_seed([1.0, 2.0]), "b": by_seed([1.0, 2.1])})) is None
    assert effects(made(axes={"kind": ("full", "window"), "place": ("pre",)})) is None
    assert effects(sweep_of({})) is None
    assert effects(sweep_of({"full / pre": {0: "failed"}, "full / post": {0: "running"}}, axes=AXES)) is None


def test_variants_by_name_take_no_part() -> None:
    results = made(noise=0.1)
    plan = results.plan
    twin = type(plan.variants[0])("like full, longer", plan.variants[0].values)
    apart = type(plan.variants[0])("something else", {"kind": "full", "place": ""})
    trials = [
        type(t)(f"{t.id}{name}", name, t.seed, t.folder, t.status, summary=t.summary)
        for t in results.trials[:5]
        for name in (twin.label, apart.label)
    ]
    more = SweepResults(
        results.folder,
        type(plan)(**{**vars(plan), "variants": (*plan.variants, twin, apart)}),
        (*results.trials, *trials),
    )
    found, plain = known(more), known(results)
    assert found.main == plain.main
    assert found.notes == ("2 variants that are no combination of the axes take no part",)


def test_an_axis_that_applies_to_some_is_averaged_over() -> None:
    axes = {**AXES, "size": ("8", "16")}
    values = {}
    for kind, place in itertools.product(*AXES.values()):
        for size in axes["size"] if kind == "window" else (MISSING,):
            shift = 0.5 if size == "16" else 0.0
            values[f"{kind} / {place} / {size}"] = by_seed(np.arange(3.0) + TRUE[kind] + TRUE[place] + shift)
    found = known(sweep_of(values, axes=axes))
    assert [one.axis for one in found.main] == ["kind"] * 3 + ["place"] * 2
    assert found.notes == ("size applies to some variants only: the effects are means over its values",)
    window = next(one for one in found.main if one.value == "window")
    assert window.estimate.mean == pytest.approx(TRUE["window"] + 0.25 - 0.25 / 3)
