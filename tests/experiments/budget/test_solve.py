"""Budgets that can be met, by every hold and knob; what is solved is counted again by other means."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from experiments.budget.amounts import Amounts
from experiments.budget.timing import Timings
from experiments.making import make_data
from experiments.results.plan import BudgetFacts, Held
from experiments.sweep.plan import Variant
from experiments.training_cost import flops_per_step
from registry.assembly import assemble_block
from registry.errors import SpecError

KINDS: dict[str, dict[str, Any]] = {
    "full": {"model.attention": "full"},
    "longformer": {"model.attention": {"kind": "longformer", "window": 8}},
    "performer": {"model.attention": "performer", "model.position": "none"},
    "gated": {"model.feedforward": "swiglu"},
}
TRANSLATE: dict[str, Any] = {
    "model": {"topology": "encoder_decoder", "dim": 32, "layers": 2, "heads": 2},
    "data": {"kind": "parallel_text", "length": 24, "batch_size": 2},
    "task": "translation",
    "trainer": {"max_steps": 10},
}


def parameters(sweep: Any, variant: Variant) -> int:
    """Of the real model."""
    return sum(p.numel() for p in assemble_block(sweep.full(variant)["model"], sweep.loaded.catalog).parameters())


def held(variant: Variant) -> Held:
    assert variant.held is not None
    return variant.held


@pytest.mark.parametrize("knob", ["hidden", "width", "depth"])
def test_parameters(sweep: Any, knob: str) -> None:
    made = sweep(KINDS)
    solved, facts = made.solve(hold="parameters", by=knob, tolerance=0.3)
    assert facts == BudgetFacts("parameters", facts.by, parameters(made, made.variants[0]), 0.3)
    for variant in solved:
        assert parameters(made, variant) == held(variant).amount
        assert abs(held(variant).off) <= 0.3
        assert held(variant).target == facts.target
    assert solved[0].settings == made.variants[0].settings
    assert all(v.settings[-1] == (facts.by, held(v).value) for v in solved[1:])
    assert [v.label for v in solved] == list(KINDS)


def test_no_other_value_comes_nearer(sweep: Any) -> None:
    made = sweep(KINDS)
    solved, facts = made.solve(hold="parameters", by="hidden")
    for before, variant in zip(made.variants[1:], solved[1:], strict=True):
        off = {}
        for value in range(int(held(variant).value) - 12, int(held(variant).value) + 12):
            full = made.full(Variant("", {}, (*before.settings, (facts.by, value))))
            with torch.device("meta"):
                model = assemble_block(full["model"], made.loaded.catalog)
            off[value] = abs(sum(p.numel() for p in model.parameters()) - facts.target)
        assert off[held(variant).value] == min(off.values())


@pytest.mark.parametrize("knob", ["hidden", "steps", "data.batch_size"])
def test_flops(sweep: Any, knob: str) -> None:
    made = sweep(KINDS)
    solved, facts = made.solve(hold="flops", by=knob, tolerance="20%")
    for variant in solved:
        full = made.full(variant)
        steps = full["trainer"]["max_steps"]
        data = make_data(full, made.loaded.catalog)
        assert flops_per_step(full, data, made.loaded.catalog) * steps == held(variant).amount
        assert abs(held(variant).off) <= facts.tolerance == 0.2


def test_steps_make_flops_equal_to_a_step(sweep: Any) -> None:
    solved, _ = sweep(KINDS, trainer__max_steps=2000).solve(hold="flops", by="steps")
    assert all(abs(held(v).off) < 1 / 2000 for v in solved)
    assert len({held(v).value for v in solved}) > 2


def test_tokens(sweep: Any) -> None:
    longer = {"short": {}, "long": {"data.length": 48}, "together": {"trainer.accumulate_grad_batches": 3}}
    solved, facts = sweep(longer).solve(hold="tokens", by="steps", tolerance=0.02)
    assert facts.target == 50 * 4 * 32
    assert [held(v).value for v in solved] == [50, 33, 17]


def test_passes_over_the_data_count_their_steps(sweep: Any, tmp_path: Any) -> None:
    text = tmp_path / "text.txt"
    text.write_bytes(b"some words to be learned, " * 100)
    passes = {"once": {}, "again": {"data.length": 16}}
    made = sweep(passes, trainer__max_steps=None, trainer__max_epochs=2, data__train=str(text))
    with pytest.raises(SpecError, match=r"the largest value that works is not enough"):
        made.solve(hold="tokens", by="steps", at=10**6)
    # nothing is taken from the baseline, and its passes go on deciding where it ends
    solved, facts = made.solve(hold="tokens", by="steps", tolerance=0.1)
    assert solved[0].settings == ()
    assert facts.target == held(solved[0]).value * 4 * 32
    assert solved[1].settings[-1] == ("trainer.max_steps", held(solved[1]).value)


@pytest.mark.parametrize("knob", ["hidden", "width"])
def test_memory(sweep: Any, knob: str) -> None:
    solved, _ = sweep({"full": {}, "deep": {"model.layers": 3}}).solve(hold="memory", by=knob, tolerance=0.05)
    assert held(solved[1]).value < held(solved[0]).value
    assert abs(held(solved[1]).off) <= 0.05


def test_without_a_baseline_the_spec_itself_is_the_measure(sweep: Any) -> None:
    made = sweep({"gated": KINDS["gated"]})
    solved, facts = made.solve(baseline=False, hold="parameters", by="hidden")
    assert facts.target == parameters(made, Variant("", {}))
    assert held(solved[0]).amount == parameters(made, solved[0])


def test_an_amount_of_ones_own_moves_the_baseline_too(sweep: Any) -> None:
    solved, facts = sweep(KINDS).solve(hold="parameters", by="hidden", at=50_000.0)
    assert facts.target == 50_000
    assert held(solved[0]).off != 0 and abs(held(solved[0]).off) < 0.01
    assert all(v.settings[-1][0] == "model.feedforward.hidden" for v in solved)


def test_a_width_that_follows_the_model_is_told_and_goes_on_following(sweep: Any) -> None:
    solved, _ = sweep(KINDS).solve(hold="parameters", by="hidden")
    assert held(solved[0]) == Held("model.feedforward.hidden", 4 * 32, held(solved[0]).target, held(solved[0]).target)
    assert solved[0].settings == (("model.attention", "full"),)


@pytest.mark.parametrize(("heads", "grid"), [(3, 6), (8, 16), (5, 10)])
def test_widths_lie_on_the_grid_of_the_heads(sweep: Any, heads: int, grid: int) -> None:
    # a head of rotary positions has an even width
    made = sweep({"few": {"model.feedforward.hidden": 200}, "many": {"model.heads": heads}}, model__dim=4 * grid)
    solved, facts = made.solve(hold="parameters", by="width", tolerance=0.5)
    width = held(solved[1]).value
    assert width % grid == 0
    off = {}
    for other in range(grid, 20 * grid, grid):
        variant = Variant("", {}, (("model.heads", heads), ("model.dim", other)))
        off[other] = abs(parameters(made, variant) - facts.target)
    assert off[int(width)] == min(off.values())


def test_shared_weights_count_once(sweep: Any) -> None:
    shared = {"model.layer_types": {"one": {"shared": True}}, "model.layers": {"count": 4, "pattern": ["one"]}}
    made = sweep({"own": {}, "shared": shared, "untied": {"model.head": {"kind": "lm", "tied": False}}})
    solved, _ = made.solve(hold="parameters", by="hidden", tolerance=0.02)
    for variant in solved:
        assert parameters(made, variant) == held(variant).amount
    assert held(solved[1]).value > 2 * held(solved[0]).value
    assert held(solved[2]).value < held(solved[0]).value


@pytest.mark.parametrize("knob", ["hidden", "width", "depth", "model.encoder.layers"])
def test_two_stacks(sweep: Any, knob: str) -> None:
    sides = {"base": {"model.encoder.layers": 2}, "gated": {"model.encoder.layers": 2, **KINDS["gated"]}}
    sides = {"base": {}, "gated": KINDS["gated"]} if knob == "model.encoder.layers" else sides
    made = sweep(sides, TRANSLATE, model__encoder__layers=2)
    solved, _ = made.solve(hold="parameters", by=knob, tolerance=0.4)
    assert all(parameters(made, v) == held(v).amount for v in solved)


def test_depth_is_that_of_the_stacks_that_say_none_of_their_own(sweep: Any) -> None:
    made = sweep({"base": {}, "lopsided": {"model.encoder.layers": 3}}, TRANSLATE)
    solved, _ = made.solve(hold="parameters", by="depth", tolerance=0.4)
    full = made.full(solved[1])
    assert full["model"]["encoder"]["layers"] == 3
    assert full["model"]["layers"] == held(solved[1]).value


def test_two_stacks_hold_flops_with_their_source(sweep: Any) -> None:
    solved, _ = sweep({"base": {}, "gated": KINDS["gated"]}, TRANSLATE).solve(hold="flops", by="hidden", tolerance=0.02)
    assert held(solved[1]).value == pytest.approx(128 * 2 / 3, abs=2)


def test_equal_variants_get_equal_settings(sweep: Any) -> None:
    solved, _ = sweep({"a": {}, "b": {}, "c": {}}).solve(hold="memory", by="hidden")
    assert held(solved[1]) == held(solved[2])
    assert held(solved[1]).amount == held(solved[0]).amount


def test_a_setting_that_cannot_move_the_amount_is_left_where_nothing_is_off(sweep: Any) -> None:
    solved, _ = sweep({"base": {}, "rms": {"model.norm": {"kind": "layer", "eps": 1e-6}}}).solve(
        hold="parameters", by="heads"
    )
    assert held(solved[1]) == Held("model.heads", 2, held(solved[0]).amount, held(solved[0]).amount)


def test_heads_where_they_count(sweep: Any) -> None:
    made = sweep({"base": {}, "biased": {"model.position": "t5"}}, model__position="t5", model__dim=48)
    solved, _ = made.solve(
        hold="parameters", by="heads", at=parameters(made, made.variants[0]) + 2 * 32.0, tolerance=0.01
    )
    assert [held(v).value for v in solved] == [4, 4]


def test_what_is_found_once_is_kept(sweep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sweep({"base": {}})
    amounts = Amounts("flops", made.loaded.catalog, Timings(None, print))
    full = made.spec_of(())
    first = amounts.of(full, "base")
    monkeypatch.setattr("experiments.budget.amounts.flops_per_step", lambda *_: pytest.fail("counted again"))
    more = made.spec_of((("trainer.max_steps", 150),))
    assert amounts.of(more, "base") == 3 * first


def test_progress_is_told(sweep: Any) -> None:
    said: list[str] = []
    sweep({"base": {}}).solve(hold="tokens", by="steps", tell=said.append)
    assert said == ["budget: every variant is to have 6,400 tokens, by trainer.max_steps"]


def test_data_that_are_needed_and_missing(sweep: Any) -> None:
    model = {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2, "vocab": 7}
    made = sweep({"base": {}, "deep": {"model.layers": 2}}, {"model": model})
    solved, _ = made.solve(hold="parameters", by="hidden", tolerance=0.05)
    assert parameters_alone(made, solved[1]) == held(solved[1]).amount
    with pytest.raises(SpecError, match="to hold flops, the spec needs `data:`"):
        made.solve(hold="flops", by="hidden")


def parameters_alone(sweep: Any, variant: Variant) -> int:
    model = sweep.spec_of(variant.settings)["model"]
    return sum(p.numel() for p in assemble_block(model, sweep.loaded.catalog).parameters())


def test_the_residual_is_a_share_of_the_target(sweep: Any) -> None:
    solved, _ = sweep(KINDS).solve(hold="parameters", by="hidden")
    for variant in solved:
        found = held(variant)
        assert found.off == pytest.approx(found.amount / found.target - 1)
        assert math.isfinite(found.off)
