"""One wording for the same model."""

from __future__ import annotations

from typing import Any

import pytest

from registry.assembly import resolve_block
from registry.canonical import canonical
from registry.catalog import Catalog

CATALOG = Catalog.load()


def canonically(**block: Any) -> dict[str, Any]:
    return canonical(resolve_block({"dim": 8, "heads": 2, "vocab": 5, **block}, CATALOG), CATALOG)


def test_a_preset_becomes_the_kind_of_its_class_with_what_it_fixes() -> None:
    found = canonically(topology="decoder", feedforward="swiglu", placement="sandwich")
    assert found["feedforward"] == {
        "kind": "glu",
        "activation": "silu",
        "hidden": None,
        "bias": False,
        "dropout": 0.0,
        "sub_norm": None,
    }
    assert found["placement"]["kind"] == "sandwich" and found["placement"]["branch_norm"] is True
    assert found["topology"] == "decoder"


@pytest.mark.parametrize(
    ("layers", "types", "number"),
    [
        (3, {}, 3),
        (["a", "b"], {"a": {}, "b": {}}, 2),
        ({"count": 5, "pattern": ["a", "b"]}, {"a": {}, "b": {}, "c": {"norm": "rms"}}, 5),
        (["a", "b"], {"a": {}, "b": {"norm": "rms"}}, None),
        ({"count": 5, "pattern": ["b"]}, {"b": {"heads": 1}}, None),
        (["a"], {}, None),
    ],
)
def test_layers_whose_types_say_nothing_are_a_number(layers: Any, types: dict[str, Any], number: int | None) -> None:
    found = canonically(topology="decoder", layers=layers, layer_types=types)
    assert found["layers"] == (layers if number is None else number)
    two = canonically(topology="encoder_decoder", encoder={"layers": layers}, layer_types=types)
    assert two["encoder"]["layers"] == (layers if number is None else number) and two["layers"] == 6


def test_parts_inside_lists_and_layer_types_too() -> None:
    found = canonically(
        topology="decoder",
        layers=["a"],
        layer_types={"a": {"feedforward": "reglu"}},
        position={"kind": "several", "schemes": ["rotary", {"kind": "learned", "length": 4}]},
    )
    assert found["layer_types"]["a"]["feedforward"]["activation"] == "relu"
    assert [scheme["kind"] for scheme in found["position"]["schemes"]] == ["rotary", "learned"]
