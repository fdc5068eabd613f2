"""A constructor's signature as the description of its options."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import pytest

from registry.part import Build, MultipleOf, Need, Part, build, part, preset
from registry.signature import describe, type_info
from registry.types import Probability, Slug


class Thing:
    family: ClassVar[str] = "thing"


@part("thing", "plain")
class Plain(Thing):
    """A plain thing.

    More about it.
    """

    provides = frozenset({"b", "a"})
    needs = (Need("other", "word", "because"),)
    rules = (MultipleOf("size", 2),)

    def __init__(self, size: int, heads: int = 1, *, rate: Probability = 0.5, name: Slug | None = None) -> None:
        self.size, self.heads, self.rate = size, heads, rate


preset("thing", "half", Plain, "Half a thing.", rate=0.25)


HALF = partial(Plain, rate=0.25)


@dataclass(frozen=True)
class Record:
    inner: Build[Thing] | None = None
    words: list[str] | None = None


@part("thing", "nest")
class Nest(Thing):
    """Holds things."""

    def __init__(
        self,
        *,
        egg: Build[Thing] = Plain,
        other: Build[Thing] = HALF,
        way: Literal["a", "b"] = "a",
        record: Record = Record(),
    ) -> None:
        self.egg = egg


def test_dimensions_are_positional_and_options_keyword_only() -> None:
    found = describe(Part("thing", "plain", Plain, "a paper"))
    assert found["dims"] == ["size", "heads"]
    assert [option["name"] for option in found["options"]] == ["rate", "name"]
    assert found["options"][0] == {"name": "rate", "type": {"is": "float", "ge": 0.0, "lt": 1.0}, "default": 0.5}
    assert found["summary"] == "A plain thing."
    assert found["provides"] == ["a", "b"]
    assert found["needs"][0] == {"slot": "other", "capability": "word", "because": "because", "when": {}}


def test_a_preset_hides_the_options_that_it_fixes() -> None:
    found = describe(Part("thing", "half", Plain, about="Half a thing.", fixed={"rate": 0.25}))
    assert [option["name"] for option in found["options"]] == ["name"]
    assert (found["summary"], found["fixed"]) == ("Half a thing.", {"rate": 0.25})


def test_defaults_that_are_parts_become_blocks() -> None:
    options = {option["name"]: option for option in describe(Part("thing", "nest", Nest))["options"]}
    assert options["egg"]["type"] == {"is": "part", "family": "thing"}
    assert options["egg"]["default"] == {"kind": "plain"}
    assert options["other"]["default"] == {"kind": "half"}
    assert options["way"]["type"] == {"is": "choice", "values": ["a", "b"]}
    assert [o["name"] for o in options["record"]["type"]["options"]] == ["inner", "words"]
    assert options["record"]["default"] == {"inner": None, "words": None}


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (int, {"is": "int"}),
        (dict[str, bool], {"is": "map", "of": {"is": "bool"}}),
        (list[float] | None, {"is": "union", "of": [{"is": "list", "of": {"is": "float"}}, {"is": "none"}]}),
        (Any, {"is": "any"}),
        # a set of words with one more
        (Literal["a", "b"] | Literal["b", "c"], {"is": "choice", "values": ["a", "b", "c"]}),
        (
            Literal["a"] | int | Literal["b"],
            {"is": "union", "of": [{"is": "choice", "values": ["a", "b"]}, {"is": "int"}]},
        ),
    ],
)
def test_types(hint: Any, expected: dict[str, Any]) -> None:
    assert type_info(hint) == expected


def test_what_a_spec_cannot_express_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot express"):
        type_info(bytes)

    class Loose(Thing):
        def __init__(self, **kwargs: Any) -> None: ...

    class Bare(Thing):
        def __init__(self, *, size=3) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(TypeError, match="no \\*\\*kwargs"):
        describe(Part("thing", "loose", Loose))
    with pytest.raises(TypeError, match="'size' has no annotation"):
        describe(Part("thing", "bare", Bare))


def test_build_passes_only_the_dimensions_that_are_named() -> None:
    assert build(Plain, size=4, heads=2, unheard_of=1).size == 4
    assert build(partial(Plain, rate=0.1), size=4).rate == 0.1
    with pytest.raises(TypeError, match="Plain needs the dimension size"):
        build(Plain, heads=2)


def test_a_kind_is_declared_once() -> None:
    with pytest.raises(ValueError, match="thing 'plain' is declared twice"):

        @part("thing", "plain")
        class Other(Thing):
            """Another."""
