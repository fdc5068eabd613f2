"""Settings that a config.json and a model block say alike."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.conversion.keys import flat, layers_of, merged, nested, repeated
from blocks.conversion.windows import FULL, SLIDING, types_of, window_of, windowed

KEYS = {"width": "dim", "n_head": "heads", "n_kv": "attention.kv_heads", "inner": "feedforward.hidden"}


def test_settings_become_options_and_sizes_left_open_are_worked_out() -> None:
    assert nested(KEYS, {"width": 12, "n_head": 3, "n_kv": 1, "inner": 5}) == {
        "dim": 12,
        "heads": 3,
        "attention": {"kv_heads": 1},
        "feedforward": {"hidden": 5},
    }
    open_ = nested(KEYS, {"width": 12, "n_head": 3, "n_kv": None, "inner": None})
    assert open_["attention"] == {"kv_heads": 3}
    assert open_["feedforward"] == {"hidden": 48}


@pytest.mark.parametrize(("kind", "hidden"), [("mlp", 48), ("swiglu", 32)])
def test_options_become_settings_with_the_sizes_that_stand_for_none(kind: str, hidden: int) -> None:
    model = {"dim": 12, "heads": 3, "attention": {"kv_heads": None}, "feedforward": {"kind": kind, "hidden": None}}
    assert flat(KEYS, model) == {"width": 12, "n_head": 3, "n_kv": 3, "inner": hidden}


def test_blocks_are_laid_over_each_other_part_by_part() -> None:
    one, other = {"a": {"x": 1, "y": 2}, "b": 1}, {"a": {"y": 3}, "b": {"z": 4}}
    assert merged(one, other) == {"a": {"x": 1, "y": 3}, "b": {"z": 4}}
    assert one == {"a": {"x": 1, "y": 2}, "b": 1}


@pytest.mark.parametrize(
    ("names", "pattern"),
    [("aaaa", "a"), ("ababa", "ab"), ("aabaab", "aab"), ("abb", "abb"), ("a", "a")],
)
def test_types_of_layers_as_the_shortest_pattern(names: str, pattern: str) -> None:
    found = repeated(list(names))
    assert found == {"count": len(names), "pattern": list(pattern)}
    types = {name: {"heads": number} for number, name in enumerate("ab", start=1)}
    model: dict[str, Any] = {"heads": 9, "layers": found, "layer_types": types}
    for layers in (found, list(names)):
        assert [layer["heads"] for layer in layers_of({**model, "layers": layers})] == [
            types[n]["heads"] for n in names
        ]


def test_layers_without_types_are_the_model_itself() -> None:
    assert [layer["heads"] for layer in layers_of({"heads": 9, "layers": 2, "layer_types": None})] == [9, 9]


def test_windows_there_and_back() -> None:
    attention = {"kind": "full", "window": None}
    types = [SLIDING, FULL, SLIDING]
    block = windowed(types, attention, 7)
    model = {**block, "layer_types": block["layer_types"]}
    assert types_of(model) == types
    assert window_of(model) == 7
    plain = {**windowed([FULL] * 3, attention, 7), "layer_types": None}
    assert plain["layers"] == 3
    assert types_of(plain) == [FULL] * 3
    assert window_of(plain) is None
