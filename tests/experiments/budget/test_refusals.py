"""Budgets that cannot be met, and settings that cannot be solved for: what is said."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.sweep_options import share
from registry.assembly import assemble_block
from registry.errors import Problem, SpecError

TWO: dict[str, dict[str, Any]] = {"base": {}, "gated": {"model.feedforward": "swiglu"}}


def refusal(made: Any, **options: Any) -> str:
    with pytest.raises(SpecError) as error:
        made.solve(**options)
    return str(error.value)


def test_too_coarse_a_knob_names_both_sides_and_what_would_do(sweep: Any) -> None:
    narrow = {"base": {}, "narrow": {"model.dim": 24}}
    words = refusal(sweep(narrow), hold="parameters", by="depth")
    assert words == (
        "sweep.budget: [narrow] cannot have 33,664 parameters within 1%: model.layers = 4 makes 35,088 parameters "
        "(+4.23%), the nearest reachable, and model.layers = 3 makes 27,864 parameters (-17.23%); "
        "allow tolerance: 4.3% or solve by hidden or width"
    )
    # and with that it can be met
    sweep(narrow).solve(hold="parameters", by="depth", tolerance="4.3%")


def test_all_variants_together(sweep: Any) -> None:
    three = {
        "base": {},
        "wide": {"model.dim": 48},
        "gated": {"model.feedforward": "swiglu"},
        "wider": {"model.dim": 80},
    }
    lines = refusal(sweep(three), hold="parameters", by="depth").splitlines()
    assert [line.split("]")[0] for line in lines] == ["sweep.budget: [wide", "sweep.budget: [wider"]


def test_even_the_smallest_is_too_much(sweep: Any) -> None:
    words = refusal(sweep({"base": {}, "wide": {"model.dim": 128}}), hold="parameters", by="hidden")
    assert "the smallest value that works is too much: model.feedforward.hidden = 1 makes " in words
    # more than half as much again: no tolerance is offered
    assert "allow tolerance" not in words


@pytest.mark.slow
def test_even_the_largest_is_not_enough(sweep: Any) -> None:
    words = refusal(sweep({"base": {}}), hold="parameters", by="depth", at=1e12)
    assert "the largest value that works is not enough: model.layers = 512 makes" in words


@pytest.mark.parametrize(("hold", "knob"), [("parameters", "heads"), ("tokens", "width"), ("memory", "steps")])
def test_a_knob_that_moves_nothing(sweep: Any, hold: str, knob: str) -> None:
    more = {"base": {}, "more": {"model.layers": 3, "data.batch_size": 6}}
    words = refusal(sweep(more), hold=hold, by=knob)
    assert "does not change it, every value that works makes" in words
    assert f"solve by {'steps' if hold == 'tokens' else 'hidden'}" in words


def test_time_is_solved_by_steps_alone(sweep: Any) -> None:
    words = refusal(sweep(TWO), hold="time", by="width")
    assert words.startswith("sweep.budget.by: time cannot be solved by width: timings are too rough")
    assert words.endswith("use steps")


@pytest.mark.parametrize(
    ("knob", "words"),
    [
        ("hiden", "hiden hits no setting. Did you mean 'hidden'? Use width, hidden, depth, heads, steps, or the path"),
        ("model.dimm", "model.dimm hits no setting. Did you mean 'model.dim'?"),
        ("model.attention", "model.attention is no whole number"),
        ("model.dropout", "model.dropout is no whole number"),
        ("model.feedforward.bias", "model.feedforward.bias is no whole number"),
        ("seed", "seed is no setting of a trial that can be solved for"),
        ("sweep.workers", "sweep.workers is no setting of a trial"),
        ("model.dim.more", "model.dim.more hits no setting"),
    ],
)
def test_knobs_that_are_none(sweep: Any, knob: str, words: str) -> None:
    said = refusal(sweep({"base": {}}), hold="parameters", by=knob)
    assert said.startswith(f"sweep.budget.by: {words}")
    assert "(variants" not in said


def test_layers_as_a_list_or_a_pattern_say_what_would_work(sweep: Any) -> None:
    types = {"model.layer_types": {"a": {}, "b": {}}}
    variants = {
        "base": {},
        "pattern": {**types, "model.layers": {"count": 4, "pattern": ["a", "b"]}},
        "list": {**types, "model.layers": ["a", "b", "b"]},
    }
    made = sweep({label: values for label, values in variants.items() if label != "base"})
    said = refusal(made, hold="parameters", by="depth")
    # set by the sweep: that comes first
    assert "depth (model.layers) is set by the sweep itself" in said
    spec = {"topology": "decoder", "dim": 32, "heads": 2, "layer_types": types["model.layer_types"]}
    base = {"data": "text", "task": "causal_lm", "trainer": {"max_steps": 5}}
    pattern = {**base, "model": {**spec, "layers": variants["pattern"]["model.layers"]}}
    assert "is no whole number but a pattern; solve for model.layers.count" in refusal(
        sweep({"base": {}}, pattern), hold="parameters", by="depth"
    )
    solved, _ = sweep(TWO, pattern).solve(hold="parameters", by="model.layers.count", tolerance=0.1)
    assert solved[1].settings[-1] == ("model.layers.count", 4)
    listed = {**base, "model": {**spec, "layers": variants["list"]["model.layers"]}}
    assert "write {count: 3, pattern: [...]} and solve for model.layers.count" in refusal(
        sweep({"base": {}}, listed), hold="parameters", by="depth"
    )


@pytest.mark.parametrize(
    "value", [{"model.feedforward.hidden": 64}, {"model.feedforward": {"kind": "mlp", "hidden": 9}}]
)
def test_a_knob_that_the_sweep_sets_itself(sweep: Any, value: dict[str, Any]) -> None:
    said = refusal(sweep({"base": {}, "other": value}), hold="parameters", by="hidden")
    assert said == (
        "sweep.budget.by: hidden (model.feedforward.hidden) is set by the sweep itself (axes, zip, random, variants or "
        "overrides), and a budget would overwrite it (variants [other])"
    )


def test_a_knob_that_only_some_variants_have_names_them(sweep: Any) -> None:
    made = sweep({"base": {}, "far": {"model.attention": {"kind": "longformer", "window": 8}}})
    said = refusal(made, hold="flops", by="model.attention.global_tokens")
    assert said.startswith("sweep.budget.by: model.attention.global_tokens hits no setting.")
    assert said.endswith("(variants [base])")


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gated variants cannot be built."""

    def refuse(model: Any, catalog: Any) -> Any:
        if model["feedforward"]["kind"] == "swiglu":
            raise SpecError([Problem("model", "gates are closed")])
        return assemble_block(model, catalog)

    monkeypatch.setattr("experiments.budget.amounts.assemble_block", refuse)


@pytest.mark.usefixtures("closed")
def test_a_variant_that_cannot_be_built_says_why(sweep: Any) -> None:
    words = refusal(sweep(TWO), hold="parameters", by="hidden")
    assert words == "sweep.budget: [gated] has no value of model.feedforward.hidden that works: gates are closed"


@pytest.mark.usefixtures("closed")
def test_a_baseline_that_cannot_be_built_says_whose_it_is(sweep: Any) -> None:
    words = refusal(sweep({"gated": TWO["gated"]}), hold="parameters", by="hidden")
    assert "gates are closed (the target is the amount of [gated], which has none; give `at`, or another" in words


@pytest.mark.parametrize(("written", "read"), [(0.02, 0.02), ("2%", 0.02), ("0.5%", 0.005), (1, 1.0)])
def test_shares(written: float | str, read: float) -> None:
    assert share(written) == pytest.approx(read)
