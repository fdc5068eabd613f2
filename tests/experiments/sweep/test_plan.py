"""The plan of a sweep."""

from __future__ import annotations

import time
from typing import Any

import pytest

from experiments.making import filled, make_data
from experiments.sweep.labels import DOES_NOT_APPLY
from experiments.sweep.plan import SweepPlan, make_plan
from experiments.sweep_options import AutoSeeds, looks
from experiments.trial_spec import trial_id
from registry.errors import SpecError
from registry.load import load

BASE: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2},
    "data": "text",
    "task": "causal_lm",
    "trainer": {"max_steps": 2},
}


def plan(**sweep: Any) -> SweepPlan:
    return make_plan(load({**BASE, "sweep": sweep}))


def settings(found: SweepPlan) -> dict[str, dict[str, Any]]:
    return {variant.label: dict(variant.settings) for variant in found.variants}


def plain(label: str | None) -> str:
    """With a dash that is easier to type."""
    return (label or "").replace(DOES_NOT_APPLY, "-")


def test_a_block_that_varies_nothing_is_about_the_spec_itself() -> None:
    found = plan(seeds=2)
    assert settings(found) == {"spec": {}}
    named = make_plan(load({**BASE, "name": "mine", "sweep": {"tune": {"model.dropout": [0.0, 0.1]}}}))
    assert [variant.label for variant in named.variants] == ["mine"]


def test_all_combinations_less_those_that_cannot_work() -> None:
    found = plan(
        axes={"model.attention": ["full", "performer"], "model.position": ["alibi", "rotary"]},
        seeds=2,
        baseline={"model.attention": "full", "model.position": "rotary"},
    )
    assert [v.label for v in found.variants] == ["full / alibi", "full / rotary", "performer / rotary"]
    assert found.variants[2].values == {"model.attention": "performer", "model.position": "rotary"}
    assert found.variants[2].settings == (("model.attention", "performer"), ("model.position", "rotary"))
    (left,) = found.left_out
    assert left.label == "performer / alibi" and "it needs the score matrix: bias" in left.reason
    assert found.baseline == "full / rotary"
    assert (found.seeds, found.looks) == ([0, 1], 1)
    spec = found.spec(found.variants[2], 1)
    assert (spec["model"]["attention"]["kind"], spec["seed"]) == ("performer", 1)


def test_three_seeds_unless_said_otherwise() -> None:
    assert plan(axes={"model.dim": [16]}).first_seeds == [0, 1, 2]
    assert plan(axes={"model.dim": [16]}, seeds=[7, 5, 7]).first_seeds == [7, 5]


def test_as_many_seeds_as_it_takes() -> None:
    found = plan(axes={"model.dim": [16]}, seeds="auto")
    assert found.seeds == AutoSeeds(None, 3, 12)
    assert (found.first_seeds, found.looks) == ([0, 1, 2], 4)
    found = plan(axes={"model.dim": [16]}, seeds={"at_least": 2, "at_most": 4, "width": 0.1})
    assert (found.seeds, found.first_seeds, found.looks) == (AutoSeeds(0.1, 2, 4), [0, 1], 3)


@pytest.mark.parametrize(
    ("at_least", "at_most", "after"),
    [(3, 12, [3, 5, 8, 12]), (2, 10, [2, 3, 5, 8, 10]), (4, 4, [4]), (5, 6, [5, 6]), (2, 3, [2, 3])],
)
def test_looks_are_half_as_many_seeds_apart_each_time(at_least: int, at_most: int, after: list[int]) -> None:
    assert looks(AutoSeeds(None, at_least, at_most)) == after


def test_what_refers_to_the_seed_follows_it() -> None:
    spec = {**BASE, "seed": 0, "schedule": {"kind": "constant", "warmup": "${seed}"}}
    found = make_plan(load({**spec, "sweep": {"axes": {"model.dim": [16]}, "seeds": [3, 5]}}))
    specs = [found.spec(found.variants[0], seed) for seed in found.first_seeds]
    assert [(s["seed"], s["schedule"]["warmup"]) for s in specs] == [(3, 3), (5, 5)]


def test_a_reference_may_lead_into_the_sweep() -> None:
    spec = {**BASE, "schedule": {"kind": "constant", "warmup": "${sweep.workers}"}}
    found = make_plan(load({**spec, "sweep": {"axes": {"model.dim": [16]}, "workers": 3}}))
    assert found.spec(found.variants[0], 0)["schedule"]["warmup"] == 3


def test_specs_are_kept_and_their_seed_is_the_only_difference() -> None:
    found = plan(axes={"model.dim": [16, 32]})
    one, two = (found.spec(found.variants[0], seed) for seed in (0, 1))
    assert one["model"] is two["model"] and {**one, "seed": 1} == two
    tuned = found.spec(found.variants[1], 0, {"optimizer.lr": 0.5})
    assert (tuned["model"]["dim"], tuned["optimizer"]["lr"]) == (32, 0.5)


def test_a_changed_kind_replaces_the_whole_block() -> None:
    spec = {**BASE, "model": {**BASE["model"], "attention": {"kind": "longformer", "window": 8}}}
    axes = {"model.attention": ["full", {"kind": "longformer", "window": 4}]}
    found = make_plan(load({**spec, "sweep": {"axes": axes}}))
    windows = [found.spec(variant, 0)["model"]["attention"]["window"] for variant in found.variants]
    assert windows == [None, 4]


WINDOWS = {
    "model.attention": ["full", {"kind": "longformer", "window": 4}, "performer"],
    "model.attention.window": {"values": [4, 8], "when": {"model.attention": "longformer"}},
    "model.attention.features": {
        "values": [8, 16],
        "labels": ["few", "many"],
        "when": {"model.attention.kind": "performer"},
    },
}


def test_axes_that_apply_to_some_kinds_only() -> None:
    found = plan(axes=WINDOWS, baseline={"model.attention": "full"})
    labels = ["full / - / -", "longformer / 4 / -", "longformer / 8 / -", "performer / - / few", "performer / - / many"]
    assert [plain(v.label) for v in found.variants] == labels
    assert dict(found.variants[2].settings)["model.attention.window"] == 8
    assert dict(found.variants[0].settings) == {"model.attention": "full"}
    assert found.axes["model.attention.features"] == ["few", "many"]
    assert plain(found.baseline) == "full / - / -"
    named = {"model.attention": "performer", "model.attention.features": "few"}
    assert plain(plan(axes=WINDOWS, baseline=named).baseline) == "performer / - / few"


def test_a_condition_on_what_is_no_axis_asks_the_spec() -> None:
    axes = {"model.dim": [16, 32], "optimizer.lr": {"values": [0.1, 0.2], "when": {"optimizer": "adamw"}}}
    assert len(plan(axes=axes).variants) == 4
    axes["optimizer.lr"]["when"] = {"optimizer.kind": ["sgd"]}
    assert [plain(v.label) for v in plan(axes=axes).variants] == ["16 / -", "32 / -"]


def test_zipped_settings_change_together() -> None:
    found = plan(
        axes={"model.norm": ["layer", "rms"]},
        zip=[{"model.dim": [16, 32, 32], "optimizer.lr": [0.1, 0.2, 0.3]}],
        baseline={"model.norm": "rms", "optimizer.lr": 0.2},
    )
    assert found.axes == {
        "model.norm": ["layer", "rms"],
        "model.dim": ["16", "32"],
        "optimizer.lr": ["0.1", "0.2", "0.3"],
    }
    assert [v.label for v in found.variants][:3] == ["layer / 16 / 0.1", "layer / 32 / 0.2", "layer / 32 / 0.3"]
    assert len(found.variants) == 6
    assert found.baseline == "rms / 32 / 0.2"


def test_each_draw_meets_every_combination() -> None:
    random = {"settings": {"optimizer.lr": {"log_uniform": [1e-4, 1e-2]}, "model.heads": [1, 2, 4]}, "draws": 3}
    found = plan(axes={"model.norm": ["layer", "rms"]}, random=random)
    assert len(found.variants) == 6
    rows = [tuple(v.values.values())[1:] for v in found.variants]
    assert rows[:3] == rows[3:] and len(set(rows)) == 3
    assert all(len(rate) <= 7 for rate, _ in rows)
    drawn = [settings(found)[v.label]["optimizer.lr"] for v in found.variants]
    assert all(1e-4 <= rate <= 1e-2 for rate in drawn)
    assert plan(axes={"model.norm": ["layer", "rms"]}, random=random).variants == found.variants
    assert plan(axes={"model.norm": ["layer", "rms"]}, random={**random, "seed": 1}).variants != found.variants
    # a combination is named by what a draw is called
    baseline = {"model.norm": "layer", "optimizer.lr": rows[1][0]}
    assert (
        plan(axes={"model.norm": ["layer", "rms"]}, random=random, baseline=baseline).baseline
        == found.variants[1].label
    )


def test_variants_by_name_alone() -> None:
    found = plan(variants={"plain": {}, "wide": {"model.dim": 32, "model.heads": 4}}, baseline="plain")
    assert settings(found) == {"plain": {}, "wide": {"model.dim": 32, "model.heads": 4}}
    assert found.axes == {"variant": ["plain", "wide"]}
    assert found.variants[1].values == {"variant": "wide"}
    assert found.baseline == "plain"


def test_variants_by_name_beside_the_combinations() -> None:
    wide = {"model.norm": "rms", "model.dim": 64, "model.heads": 4}
    found = plan(axes={"model.norm": ["layer", "rms"], "model.dim": [16, 32]}, variants={"wide": wide}, baseline="wide")
    assert len(found.variants) == 5
    assert found.variants[-1].values == {"model.norm": "rms", "model.dim": "64"}
    assert found.axes["model.dim"] == ["16", "32"]
    assert found.baseline == "wide"
    other = plan(axes={"model.norm": ["layer", "rms"]}, variants={"wide": {"model.dim": 32}})
    assert other.variants[-1].values == {"model.norm": ""}


def test_settings_of_some_variants_only() -> None:
    found = plan(
        axes={"model.attention": ["full", {"kind": "longformer", "window": 4}, "performer"], "model.dim": [16, 32]},
        variants={"tall": {"model.layers": 3}},
        overrides=[
            {"when": {"model.attention": ["longformer", "performer"]}, "set": {"optimizer.lr": 0.1}},
            {"when": {"model.attention": "performer", "model.dim": 32}, "set": {"optimizer.lr": 0.2}},
            {"when": {"model.layers": 3}, "set": {"schedule.warmup": 5}},
        ],
    )
    rates = {
        label: found.spec(v, 0)["optimizer"]["lr"] for label, v in zip(settings(found), found.variants, strict=True)
    }
    own = rates["full / 16"]
    assert rates == {
        "full / 16": own,
        "full / 32": own,
        "longformer / 16": 0.1,
        "longformer / 32": 0.1,
        "performer / 16": 0.1,
        "performer / 32": 0.2,
        "tall": own,
    }
    assert settings(found)["tall"]["schedule.warmup"] == 5
    assert [len(item.variants) for item in found.overrides] == [4, 1, 1]
    assert found.overrides[0].when == {"model.attention": "longformer or performer"}
    assert found.overrides[0].set == {"optimizer.lr": "0.1"}


def test_an_override_of_an_axis_changes_what_the_variant_is_called() -> None:
    rates = [{"model.dim": [16, 32], "optimizer.lr": [0.1, 0.2]}]
    found = plan(
        axes={"model.norm": ["layer", "rms"]},
        zip=rates,
        overrides=[{"when": {"model.norm": "rms"}, "set": {"optimizer.lr": 0.2}}],
        baseline={"model.norm": "rms", "model.dim": 16},
    )
    assert [v.label for v in found.variants] == [
        "layer / 16 / 0.1",
        "layer / 32 / 0.2",
        "rms / 16 / 0.2",
        "rms / 32 / 0.2",
    ]
    assert found.baseline == "rms / 16 / 0.2"
    assert found.spec(found.variants[2], 0)["optimizer"]["lr"] == 0.2
    # what it is now called may be what another one that is left out is called
    found = plan(
        axes={"model.norm": ["layer", "rms"], "optimizer.lr": [0.1, 0.2]},
        overrides=[{"when": {"model.norm": "rms"}, "set": {"optimizer.lr": 0.2}}],
        exclude=[{"model.norm": "rms", "optimizer.lr": 0.2}],
        baseline={"model.norm": "rms", "optimizer.lr": 0.1},
    )
    assert [v.label for v in found.variants] == ["layer / 0.1", "layer / 0.2", "rms / 0.2"]
    assert found.baseline == "rms / 0.2"
    assert [item.label for item in found.left_out] == ["rms / 0.2"]


def test_an_override_can_make_a_combination_work() -> None:
    axes = {"model.heads": [2, 3]}
    assert [v.label for v in plan(axes=axes).variants] == ["2"]
    found = plan(axes=axes, overrides=[{"when": {"model.heads": 3}, "set": {"model.dim": 18}}])
    assert [v.label for v in found.variants] == ["2", "3"]


def test_strict_refuses_what_would_be_left_out() -> None:
    axes = {"model.attention": ["full", "performer", "linear"], "model.position": ["alibi", "rotary"]}
    with pytest.raises(SpecError) as caught:
        plan(axes=axes, strict=True)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert "sweep.strict: [performer / alibi] cannot be trained: attention 'performer' cannot work with" in lines[0]
    out = [{"model.attention": ["performer", "linear"], "model.position": "alibi"}]
    assert len(plan(axes=axes, strict=True, exclude=out).variants) == 4


def test_a_budget_is_solved_last_and_part_of_the_settings() -> None:
    found = plan(
        axes={"model.attention": ["full", {"kind": "longformer", "window": 4}]},
        baseline={"model.attention": "full"},
        budget={"hold": "parameters", "by": "hidden", "tolerance": "2%"},
    )
    assert found.budget is not None and found.budget.hold == "parameters"
    full, longformer = found.variants
    assert full.held is not None and full.held.off == 0
    path, value = longformer.settings[-1]
    assert path == "model.feedforward.hidden" and longformer.held is not None and longformer.held.value == value
    assert abs(longformer.held.off) <= 0.02
    assert found.spec(longformer, 0)["model"]["feedforward"]["hidden"] == value


def test_a_plan_of_many_variants_takes_no_time_to_speak_of() -> None:
    dims = [16 * n for n in range(1, 26)]
    named = {f"v{n}": {"model.dim": 8 * n, "model.norm": "none"} for n in range(1, 101)}
    axes = {"model.dim": dims, "model.norm": ["layer", "rms"], "trainer.max_steps": list(range(1, 9))}
    begun = time.process_time()
    assert len(plan(axes=axes, variants=named).variants) == 500
    # about one second; the bound is for a check of every variant against every other, or of the block with each
    assert time.process_time() - begun < 20


def test_labels_tell_equal_kinds_apart() -> None:
    found = plan(axes={"model.attention": ["full", {"kind": "full", "window": 8}], "optimizer.lr": [1e-3, 0.1]})
    assert found.axes == {"model.attention": ["full", "full window=8"], "optimizer.lr": ["0.001", "0.1"]}


def test_what_must_be_known_of_variants_is_told_once_with_their_names() -> None:
    leaks = {"kind": "performer", "stabiliser": "look_ahead"}
    found = plan(axes={"model.attention": ["full", leaks], "model.norm": ["layer", "rms"]})
    (caveat,) = found.caveats
    assert caveat.variants == ("performer / layer", "performer / rms")
    assert "lets later tokens reach earlier ones" in caveat.words
    assert plan(axes={"model.attention": ["full", "performer"]}).caveats == []


def test_excluded_combinations_say_so() -> None:
    found = plan(axes={"model.attention": ["full", "linear"]}, exclude=[{"model.attention": "linear"}])
    assert [v.label for v in found.variants] == ["full"]
    assert found.left_out[0].reason == "excluded by the spec: model.attention = linear"
    rules = [{"model.attention": ["linear", "performer"], "model.dim": 32}, {"model.norm": "rms"}]
    axes = {"model.attention": ["full", "linear", "performer"], "model.dim": [16, 32], "model.norm": ["layer", "rms"]}
    found = plan(axes=axes, exclude=rules)
    kept = ["full / 16 / layer", "full / 32 / layer", "linear / 16 / layer", "performer / 16 / layer"]
    assert [v.label for v in found.variants] == kept
    assert found.left_out[0].label == "full / 16 / rms"
    assert {item.reason for item in found.left_out} == {
        "excluded by the spec: model.norm = rms",
        "excluded by the spec: model.attention = linear or performer, model.dim = 32",
    }


def test_a_trials_identity_is_what_decides_its_result() -> None:
    def identity(**changes: Any) -> str:
        return trial_id(load({**BASE, **changes}).full)

    assert identity() == identity(name="other", about="words", sweep={"axes": {"model.dim": [16]}})
    assert len({identity(), identity(seed=1), identity(trainer={"max_steps": 3}), identity(optimizer="sgd")}) == 4


def test_what_the_data_know_is_filled_in() -> None:
    loaded = load(BASE)
    data = make_data(loaded.full, loaded.catalog)
    assert filled(loaded.full, data)["model"]["vocab"] == 256
    small = load({**BASE, "model": {**BASE["model"], "vocab": 100, "position": {"kind": "learned", "length": 64}}}).full
    with pytest.raises(SpecError) as caught:
        filled(small, data)
    assert "the data have 256 different tokens" in str(caught.value)
    assert "has 64 positions, but the data are 128 tokens long" in str(caught.value)
