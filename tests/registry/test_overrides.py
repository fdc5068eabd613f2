"""Settings on the command line: how their paths are read, what they change, and what is refused."""

import math
from typing import Any

import pytest

from registry.compose import compose
from registry.errors import Place, SpecError

SPEC: dict[str, Any] = {
    "model": {
        "topology": "decoder",
        "dim": 256,
        "attention": {"kind": "longformer", "window": 64, "dropout": 0.1},
        "position": "rotary",
        "layers": ["local", {"kind": "full", "window": 8}],
    },
    "data": {"files": "text.txt"},
    "schedule": None,
    "sweep": {"axes": {"model.attention": ["full", "performer"]}, "baseline": {"model.attention": "full"}},
}


def told(source: Any, *overrides: Any) -> str:
    with pytest.raises(SpecError) as caught:
        compose(source, overrides)
    return str(caught.value)


def model(*overrides: Any) -> dict[str, Any]:
    value: dict[str, Any] = compose(SPEC, overrides).value["model"]
    return value


def test_override_values_are_yaml() -> None:
    assert model("model.lr=1e-4")["lr"] == 1e-4
    assert model("model.x=no")["x"] == "no"
    assert model("model.x=[a, 2]")["x"] == ["a", 2]
    assert model("model.x=null")["x"] is None
    assert model("model.x=a=b")["x"] == "a=b"
    assert model(" model.x = 3")["x"] == 3
    assert model("model.attention.window=8")["attention"] == {"kind": "longformer", "window": 8, "dropout": 0.1}
    assert model("model.attention={window: 8}")["attention"] == {"kind": "longformer", "window": 8, "dropout": 0.1}
    assert model("model.attention=full")["attention"] == {"kind": "full"}
    assert model("model.position.base=500")["position"] == {"kind": "rotary", "base": 500}
    assert compose(SPEC, ["schedule.warmup.steps=5"]).value["schedule"] == {"warmup": {"steps": 5}}
    assert compose(SPEC, [("model.attention", {"kind": "full"})]).value["model"]["attention"] == {"kind": "full"}


def test_a_kind_is_set_before_its_options() -> None:
    expected = {"kind": "performer", "features": 8}
    for kind in ("model.attention.kind=performer", "model.attention=performer"):
        assert model("model.attention.features=8", kind)["attention"] == expected
        assert model(kind, "model.attention.features=8")["attention"] == expected


def test_later_override_wins() -> None:
    assert model("model.dim=1", "model.dim=2")["dim"] == 2


def test_override_of_a_list() -> None:
    assert model("model.layers.0=full")["layers"] == ["full", {"kind": "full", "window": 8}]
    assert model("model.layers.0.window=3")["layers"][0] == {"kind": "local", "window": 3}
    assert model("model.layers.1.window=3")["layers"][1] == {"kind": "full", "window": 3}
    assert model("model.layers.1.kind=performer")["layers"][1] == {"kind": "performer"}
    assert model("model.layers+={kind: x}", "model.layers+=y")["layers"][2:] == [{"kind": "x"}, "y"]
    assert model("model.layers+=[a]")["layers"][2:] == [["a"]]


def test_empty_value_goes_back_to_the_default() -> None:
    assert "dim" not in model("model.dim=")
    assert model("model.attention.window=")["attention"] == {"kind": "longformer", "dropout": 0.1}
    assert model("model.attention=", "model.attention.window=3")["attention"] == {"window": 3}
    assert model("model.attention.kind=")["attention"] == {"window": 64, "dropout": 0.1}
    assert model("model.layers.1.window=")["layers"][1] == {"kind": "full"}


def test_dotted_keys() -> None:
    axes = compose(SPEC, ["sweep.axes.model.attention=[full]", "sweep.axes.model.norm=[rms]"]).value["sweep"]["axes"]
    assert axes == {"model.attention": ["full"], "model.norm": ["rms"]}
    assert compose({}, ["sweep.axes.model.dim=[1]"]).value == {"sweep": {"axes": {"model.dim": [1]}}}
    assert compose(SPEC, ["sweep.baseline.model.norm=rms"]).value["sweep"]["baseline"]["model.norm"] == "rms"
    assert compose({"x": {"a.b": {"c": 1}, "a": {}}}, ["x.a.b.c=2", "x.a.d=3"]).value == {
        "x": {"a.b": {"c": 2}, "a": {"d": 3}}
    }
    assert compose(SPEC, ["sweep.axes.model.attention+=bigbird"]).value["sweep"]["axes"] == {
        "model.attention": ["full", "performer", "bigbird"]
    }
    assert compose(SPEC, ["sweep.axes.model.attention="]).value["sweep"]["axes"] == {}


def test_place_of_an_unknown_key_is_the_override() -> None:
    composed = compose(SPEC, ["model.dim=8", "modle.dim=8"])
    assert composed.key_place(("modle", "dim")) == Place("command line", 2, 1)
    assert composed.place(("modle", "dim")) == Place("command line", 2, 11)
    assert composed.key_place(("modle",)) == Place("command line", 2, 1)
    assert composed.place(("model", "dim")) == Place("command line", 1, 11)
    assert composed.place(("model",)) == Place("<dict>", 1, 1)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.dim", "there is no '='; write path=value, for example model.dim=256"),
        ("=3", "the path is empty"),
        ("model..dim=3", "the path has an empty name beside a dot"),
        (".dim=3", "the path has an empty name beside a dot"),
        (".".join("a" * 65) + "=3", "the path has more than 64 names"),
        ("+model.dim=3", "write path=value alone, path+=value to append"),
        ("~model.dim=", "write path=value alone"),
        ("--model.dim=3", "write path=value alone"),
        ("model.dim={a: 1", "the '{' that starts here is never closed by '}'"),
        ("model.name=run #3", "'#' starts a comment; quote the value if it is text"),
        ("model.dim=!x 3", "the tag '!x' is not allowed"),
        ("model.dim=.nan", "'.nan' is not allowed"),
        ("model.dim.x=3", "'model.dim' is a number, so it has no 'x'"),
        ("data.files.x=3", "'data.files' is text, so it has no 'x'"),
        ("model.layers.x=3", "'model.layers' is a list; use a number to step into it, not 'x'"),
        ("model.layers.2=3", "'model.layers' is a list of 2, counted from 0; there is no number '2'"),
        ("model.layers.-1=3", "use a number to step into it, not '-1'"),
        (f"model.layers.{'9' * 5000}=3", "is a list of 2, counted from 0"),
        ("model.layers.\uff11=3", "use a number to step into it, not '\uff11'"),
        ("model.dim.x+=3", "nothing is set at 'model.dim.x', so there is no list to append to"),
        ("model.heads.0=3", "there is no list at 'model.heads'; a number steps into an existing list only"),
        ("model.layers.0=", "one item of a list cannot be removed; set the whole list"),
        ("model.dmi=", "nothing is set at 'model.dmi', so there is nothing to remove. Did you mean 'dim'?"),
        ("modle.dim=", "nothing is set at 'modle.dim', so there is nothing to remove. Did you mean 'model'?"),
        ("model.layrs+=x", "'model.layrs', so there is no list to append to. Did you mean 'layers'?"),
        ("model.dim+=3", "'model.dim' is a number, not a list to append to"),
        ("model.layers+=", "there is nothing to append after '+='"),
        ("base=x.yaml", "'base' is read from files only"),
        (("model.dim", math.nan), "NaN and infinity are not allowed"),
        (("model.dim", object()), "a spec holds mappings, lists, text, numbers, true, false and null, not object"),
    ],
)
def test_bad_override(override: Any, expected: str) -> None:
    message = told(SPEC, "model.ok=1", override)
    assert message.startswith("command line:2:1: override '")
    assert expected in message
    assert len(message.splitlines()) == 1


def test_all_bad_overrides_are_told() -> None:
    assert len(told(SPEC, "a", "model.dim.x=1", "model.x=${nope}").splitlines()) == 3
