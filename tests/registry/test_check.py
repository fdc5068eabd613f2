"""What parts of one spec ask of each other: in layers of several types, and in a sense only."""

from __future__ import annotations

from typing import Any

import pytest

from registry.load import Incompatible, caveats_of, load

MODEL: dict[str, Any] = {"dim": 16, "heads": 2, "vocab": 30}
LEAKS = {"kind": "performer", "stabiliser": "look_ahead"}


def caveats(**model: Any) -> list[str]:
    loaded = load({"model": MODEL | model})
    return [words.split(": ")[0] for words in caveats_of(loaded.full, loaded.catalog)]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            {"topology": "encoder", "layer_types": {"a": {}, "b": {"attention": "transformer_xl"}}},
            "attention 'transformer_xl' cannot work with topology 'encoder' (a token sees earlier and later ones",
        ),
        (
            {"topology": "decoder", "prefix": True, "layer_types": {"b": {"attention": "linear"}}},
            "attention 'linear' cannot work with topology 'decoder' (the prefix is visible to all tokens",
        ),
    ],
)
def test_types_of_layers_have_to_do_for_the_topology(model: dict[str, Any], words: str) -> None:
    types = model["layer_types"]
    with pytest.raises(Incompatible) as caught:
        load({"model": MODEL | model | {"layers": list(types)}})
    (problem,) = caught.value.problems
    assert problem.path == "model.layer_types.b.attention"
    assert words in problem.message
    fine = {name: {"attention": "full"} for name in types}
    load({"model": MODEL | model | {"layers": list(types), "layer_types": fine}})


def test_a_caveat_is_told_where_the_need_is() -> None:
    assert caveats(topology="decoder", attention=LEAKS) == ["model.attention"]
    assert caveats(topology="decoder", attention="performer") == []
    assert caveats(topology="encoder", attention=LEAKS) == []
    types = {"layers": ["a"], "layer_types": {"a": {"attention": LEAKS}}}
    assert caveats(topology="decoder", **types) == ["model.layer_types.a.attention"]


def test_a_caveat_of_a_side_is_that_side_s() -> None:
    both = {"topology": "encoder_decoder", "layers": 1}
    assert caveats(**both, attention=LEAKS) == ["model.attention"]
    assert caveats(**both, encoder={"attention": LEAKS}) == []
    assert caveats(**both, decoder={"attention": LEAKS}) == ["model.decoder.attention"]
    assert caveats(**both, decoder={"attention": LEAKS, "causal": False}) == []


def test_text_is_read_by_embeddings_of_tokens() -> None:
    head = {"kind": "classification"}
    with pytest.raises(Incompatible, match="embedding 'patches' cannot work with data 'labelled_text'"):
        load(
            {
                "model": MODEL | {"topology": "encoder", "embedding": "patches", "head": head},
                "data": "labelled_text",
                "task": "classification",
            }
        )
