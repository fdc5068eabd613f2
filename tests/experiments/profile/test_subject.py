"""Which models a profile is of."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.cli.building import sized
from experiments.profile import subjects
from registry.errors import SpecError
from registry.load import load

SPEC: dict[str, Any] = {"name": "tiny", "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2}}


def test_a_spec_alone_is_one_model() -> None:
    (only,), left_out = subjects(load(SPEC), {}, 64, sized)
    assert only.label == "tiny" and not only.values and not left_out and only.model["vocab"]


def test_axes_make_every_combination_and_leave_out_what_cannot_work() -> None:
    axes = {"model.attention": ["full", "performer"], "model.position": ["rotary", "alibi"]}
    found, left_out = subjects(load(SPEC), axes, 64, sized)
    assert [m.label for m in found] == ["full / rotary", "full / alibi", "performer / rotary"]
    assert [item.label for item in left_out] == ["performer / alibi"] and "score" in left_out[0].reason


def test_positions_that_are_counted_reach_the_longest_length() -> None:
    spec = {**SPEC, "model": {**SPEC["model"], "position": {"kind": "learned", "length": 16}}}
    (model,), _ = subjects(load(spec), {}, 4096, sized)
    assert model.model["position"]["length"] == 4096


def test_two_models_of_one_label_are_refused() -> None:
    with pytest.raises(SpecError, match=r"--axes: \[rms\] would be the label of two models"):
        subjects(load(SPEC), {"model.norm": ["rms", "layer", {"kind": "rms"}]}, 64, sized)


def test_a_wrong_value_is_refused() -> None:
    with pytest.raises(SpecError, match="performer"):
        subjects(load(SPEC), {"model.attention": ["perfomer"]}, 64, sized)
    with pytest.raises(SpecError, match="score matrix"):
        subjects(load(SPEC), {"model.attention": ["performer"], "model.position": ["alibi"]}, 64, sized)
