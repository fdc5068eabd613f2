"""References `${a.b}`: what they take, where they stand, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from registry.compose import compose
from registry.errors import Place, SpecError


def told(source: Any, *overrides: Any) -> str:
    with pytest.raises(SpecError) as caught:
        compose(source, overrides)
    return str(caught.value)


def test_references() -> None:
    source = {
        "dim": 8,
        "same": "${dim}",
        "block": {"kind": "full", "sizes": [1, "${dim}"]},
        "copy": "${block}",
        "deep": "${copy.sizes.1}",
        "spaced": "${ dim }",
        "axes": {"model.dim": [3]},
        "axis": "${axes.model.dim}",
    }
    composed = compose(source, ["dim=9"])
    block = {"kind": "full", "sizes": [1, 9]}
    values = composed.value
    assert values["same"] == values["deep"] == values["spaced"] == 9
    assert values["block"] == values["copy"] == block
    assert values["axis"] == [3]
    composed.value["copy"]["sizes"].append(2)
    assert composed.value["block"] == block


def test_place_of_a_referred_value(tmp_path: Path) -> None:
    top = tmp_path / "top.yaml"
    top.write_text("a: {b: 1}\nc:   ${a}\n")
    composed = compose(top)
    assert composed.place(("c",)) == Place(str(top), 2, 6)
    assert composed.place(("c", "b")) == Place(str(top), 1, 8)


def test_override_on_top_reaches_references() -> None:
    composed = compose({"dim": 8, "hidden": "${dim}", "x": {"kind": "a", "y": 1}}, ["dim=9"])
    other = composed.override([("dim", 10), "x=b"], label="axis")
    assert other.value == {"dim": 10, "hidden": 10, "x": {"kind": "b"}}
    assert other.place(("dim",)).file == "axis"
    assert other.notes == ("x: the kind changes from 'a' to 'b', so 'y' is dropped",)
    assert composed.value["hidden"] == 9


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"dim": 1, "a": "${dmi}"}, "a: the reference '${dmi}': nothing is set at 'dmi' by a file"),
        ({"m": {"dim": 1}, "a": "${m.dmi}"}, "nothing is set at 'm.dmi' by a file or an override. Did you mean 'dim'?"),
        ({"a": "${b.c}", "b": 1}, "nothing is set at 'b.c'"),
        ({"a": "${b.3}", "b": [1]}, "'b' is a list of 1, counted from 0; there is no number '3'"),
        ({"a": "${b}", "b": "${c}", "c": "${a}"}, "a: the reference '${b}' leads back to itself"),
        ({"a": "${a}"}, "a: the reference '${a}' leads back to itself"),
        ({"a": {"b": ["${a}"]}}, "a.b.0: the reference '${a}' leads back to itself"),
        ({"a": "run-${b}", "b": 1}, "a: 'run-${b}': a reference must be the whole value, as in ${model.dim}"),
        ({"a": "${b}${b}", "b": 1}, "a reference must be the whole value"),
        ({"a": "${${b}}", "b": "a"}, "a reference must be the whole value"),
        ({"a": "${"}, "a reference must be the whole value"),
        ({"a": "${}"}, "the reference '${}': the path is empty"),
        ({"a": "${b..c}"}, "the reference '${b..c}': the path has an empty name"),
        ({"a": "${env:HOME}"}, "there are no functions and no environment"),
        ({"a": "${oc.env:HOME}"}, "there are no functions and no environment"),
    ],
)  # fmt: skip
def test_bad_reference(source: Any, expected: str) -> None:
    message = told(source)
    assert expected in message
    assert len(message.splitlines()) == 1


def test_problems_in_a_block_that_is_referred_to_are_told_once() -> None:
    assert told({"a": "${b}", "b": {"c": "x${d}"}, "e": "${b.c}"}).splitlines() == [
        "<dict>:1:1: b.c: 'x${d}': a reference must be the whole value, as in ${model.dim}"
    ]


def test_references_do_not_explode() -> None:
    laughs: dict[str, Any] = {f"a{n}": [f"${{a{n + 1}}}"] * 9 for n in range(10)} | {"a10": 1}
    assert "more than 50,000 values, references followed" in told(laughs)
    assert "more than 50,000 values, references followed" in told(dict(reversed(laughs.items())))
    chain: dict[str, Any] = {f"a{n}": [[[f"${{a{n + 1}}}"]]] for n in range(2000)} | {"a2000": 1}
    assert "nested deeper than 64 levels, references followed" in told(chain)
    assert "nested deeper than 64 levels, references followed" in told(dict(reversed(chain.items())))
    hops: dict[str, Any] = {f"a{n}": f"${{a{n + 1}}}" for n in range(2000)} | {"a2000": 1}
    assert "nested deeper than 64 levels, references followed" in told(hops)
