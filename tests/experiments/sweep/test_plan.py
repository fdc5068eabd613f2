"""The plan of a sweep."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.making import filled, make_data
from experiments.sweep.plan import SweepPlan, make_plan
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


def test_all_combinations_with_all_seeds_less_those_that_cannot_work() -> None:
    found = plan(
        axes={"model.attention": ["full", "performer"], "model.position": ["alibi", "rotary"]},
        seeds=2,
        baseline={"model.attention": "full", "model.position": "rotary"},
    )
    assert [v.label for v in found.variants] == ["full / alibi", "full / rotary", "performer / rotary"]
    assert [(v.label, seed) for v, seed in found.trials][3] == ("full / alibi", 1)
    (left,) = found.left_out
    assert left.label == "performer / alibi" and "it needs the score matrix: bias" in left.reason
    assert found.baseline == {"model.attention": "full", "model.position": "rotary"}
    assert found.variants[2].specs[1]["model"]["attention"]["kind"] == "performer"
    assert found.variants[2].specs[1]["seed"] == 1


def test_what_refers_to_the_seed_follows_it() -> None:
    spec = {**BASE, "seed": 0, "schedule": {"kind": "constant", "warmup": "${seed}"}}
    (variant,) = make_plan(load({**spec, "sweep": {"axes": {"model.dim": [16]}, "seeds": [3, 5]}})).variants
    assert [(s["seed"], s["schedule"]["warmup"]) for s in variant.specs.values()] == [(3, 3), (5, 5)]


def test_a_changed_kind_replaces_the_whole_block() -> None:
    spec = {**BASE, "model": {**BASE["model"], "attention": {"kind": "longformer", "window": 8}}}
    axes = {"model.attention": ["full", {"kind": "longformer", "window": 4}]}
    found = make_plan(load({**spec, "sweep": {"axes": axes}}))
    assert found.variants[0].specs[0]["model"]["attention"]["window"] is None
    assert found.variants[1].specs[0]["model"]["attention"]["window"] == 4


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


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        ({"axes": {"model.atention": ["full"]}}, "hits no setting of the spec. Did you mean 'model.attention'?"),
        ({"axes": {"model.attention": []}}, "has no values"),
        ({"axes": {}}, "names no axis"),
        (
            {"axes": {"model.dim": [16]}, "exclude": [{"model.dims": 16}]},
            "sweep.exclude.0.model.dims: is no axis. Did you mean 'model.dim'?",
        ),
        (
            {"axes": {"model.dim": [16, 32]}, "exclude": [{"model.dim": 64}]},
            "sweep.exclude.0.model.dim: is none of the axis' values: 16, 32",
        ),
        ({"axes": {"model.dim": [16]}, "seeds": []}, "sweep.seeds: names no seed"),
        ({"axes": {"seed": [1, 2]}}, "use sweep.seeds"),
        ({"axes": {"model.dim": [8, 8]}}, "names a value twice"),
        ({"axes": {"model.attention": ["full", "ful"]}}, "unknown attention 'ful'"),
        ({"axes": {"model.dim": [15]}}, "no combination can be trained: dim (15) must be a multiple"),
        ({"axes": {"model.dim": [16]}, "baseline": {"model.heads": 2}}, "is no axis"),
        ({"axes": {"model.dim": [16]}, "baseline": {"model.dim": 32}}, "is none of the axis' values: 16"),
        ({"axes": {"model.dim": [16], "model.heads": [2]}, "baseline": {"model.dim": 16}}, "model.heads is missing"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(sweep: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        plan(**sweep)
    assert words in str(caught.value)


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
