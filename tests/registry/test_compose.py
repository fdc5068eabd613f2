"""Composing a spec: base files, what wins over what, and who is named as the origin."""

from pathlib import Path
from typing import Any

import pytest

from registry.compose import compose
from registry.errors import Place, SpecError
from registry.yaml_reader import read_yaml_text
from registry.yaml_writer import dump_yaml


def told(source: Any, *overrides: Any) -> str:
    with pytest.raises(SpecError) as caught:
        compose(source, overrides)
    return str(caught.value)


def write(folder: Path, **files: str) -> Path:
    """Write name.yaml for each; returns the path of the last."""
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.write_text(text)
    return path


def test_order_of_files(tmp_path: Path) -> None:
    top = write(
        tmp_path,
        one="a: 1\nb: 1\nc: 1\nd: 1\nlist: [1, 2]\nsub: {x: 1}",
        two="b: 2\nc: 2\nd: 2\nlist: [3]\nsub: {y: 2}",
        top="base: [one.yaml, two.yaml]\nc: 3\nd: 3",
    )
    composed = compose(top, ["d=4"])
    assert composed.value == {"a": 1, "b": 2, "c": 3, "d": 4, "list": [3], "sub": {"x": 1, "y": 2}}
    assert composed.place(("a",)) == Place(str(tmp_path / "one.yaml"), 1, 4)
    assert composed.place(("sub", "y")) == Place(str(tmp_path / "two.yaml"), 5, 10)
    assert composed.key_place(("c",)) == Place(str(top), 2, 1)
    assert composed.place(("d",)) == Place("command line", 1, 3)
    assert composed.origin(("b",)) == f"{tmp_path / 'two.yaml'}:1"
    assert composed.origin(("d",)) == "command line: d=4"
    assert composed.origin(("sub", "z")) is None


def test_base_of_a_base_is_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases" / "tiny.yaml").write_text("base: ../root.yaml\nb: 2")
    top = write(tmp_path, root="a: 1\nb: 1", top="base: bases/tiny.yaml")
    composed = compose(top)
    assert composed.value == {"a": 1, "b": 2}
    assert composed.place(("a",)).file == str(tmp_path / "root.yaml")


def test_each_file_is_read_once(tmp_path: Path) -> None:
    chain = {f"f{n}": f"base: [f{n + 1}.yaml, f{n + 1}.yaml]" for n in range(25)}
    write(tmp_path, f25="a: 1", **chain)
    assert compose(tmp_path / "f0.yaml").value == {"a": 1}


def test_no_base_and_mapping_source() -> None:
    source = {"a": (1, 2), "b": {"c": None, "d": [True, 1.5, "x"]}}
    assert compose({"base": [], **source}).value == {**source, "a": [1, 2]}


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("[gone.yaml]", "top.yaml:1:8: base: {0}/gone.yaml: no such file. Did you mean 'one.yaml'?"),
        ("onee.yaml", "top.yaml:1:7: base: {0}/onee.yaml: no such file. Did you mean 'one.yaml'?"),
        ("[one.yaml, 3]", "top.yaml:1:18: base: a base is a file name, not a number"),
        ("", "top.yaml:1:6: base: a base is a file name, not empty (null)"),
        ("''", "top.yaml:1:7: base: a base is a file name, not text"),
        ("{a: 1}", "top.yaml:1:7: base: a base is a file name, not a mapping"),
        ("/etc/passwd", "top.yaml:1:7: base: the base '/etc/passwd' is absolute; name it relative to the file"),
        ("'C:\\x.yaml'", "base: the base 'C:\\x.yaml' is absolute"),
        ("~/x.yaml", "base: the base '~/x.yaml' is absolute"),
        ("top.yaml", "base: base files form a cycle: {0}/top.yaml -> {0}/top.yaml"),
        ("round.yaml", "round.yaml:1:7: base: base files form a cycle: {0}/top.yaml -> {0}/round.yaml -> {0}/top.yaml"),
        (".", "base: {0}: this is a folder, not a spec file"),
    ],
)
def test_bad_base(tmp_path: Path, base: str, expected: str) -> None:
    top = write(tmp_path, one="a: 1", round="base: ./top.yaml", top=f"base: {base}\na: 2")
    assert expected.format(tmp_path) in told(top)


def test_long_chain_of_bases(tmp_path: Path) -> None:
    write(tmp_path, **{f"f{n}": f"base: f{n + 1}.yaml" for n in range(60)}, f60="a: 1")
    assert "f32.yaml:1:7: base: a chain of more than 32 base files" in told(tmp_path / "f0.yaml")


def test_problems_of_all_files_and_overrides_together(tmp_path: Path) -> None:
    top = write(tmp_path, one="a: !x 1", two="b: .nan", top="base: [one.yaml, two.yaml, none.yaml]")
    lines = told(top, "c").splitlines()
    assert [line.split(": ")[1] for line in lines] == ["a", "base", "b", "override 'c'"]


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ("full", "{window: 8}", {"kind": "full", "window": 8}),
        ("full", "performer", "performer"),
        ("full", "{kind: full, window: 8}", {"kind": "full", "window": 8}),
        ("{kind: full, window: 8}", "full", {"kind": "full", "window": 8}),
        ("{kind: full, window: 8}", "performer", {"kind": "performer"}),
        ("{kind: full, window: 8}", "{kind: performer, m: 1}", {"kind": "performer", "m": 1}),
        ("{kind: full, window: 8}", "{kind: full, m: 1}", {"kind": "full", "window": 8, "m": 1}),
        ("{kind: full, window: 8}", "{m: 1}", {"kind": "full", "window": 8, "m": 1}),
        ("{kind: full, window: 8}", "null", None),
        ("{kind: full, window: 8}", "[a]", ["a"]),
        ("{kind: full, sub: {kind: x, y: 1}}", "{sub: {kind: z}}", {"kind": "full", "sub": {"kind": "z"}}),
        ("{topology: decoder, dim: 8}", "{topology: encoder}", {"topology": "encoder", "dim": 8}),
        ("{topology: decoder, dim: 8}", "{kind: decoder, heads: 2}", {"kind": "decoder", "dim": 8, "heads": 2}),
        # No kind below: the default kind may be the one that is named above.
        ("{lr: 1}", "{kind: adamw}", {"lr": 1, "kind": "adamw"}),
        # No word and no kind: nothing to keep.
        ("text.txt", "{train: a.txt}", {"train": "a.txt"}),
        ("{train: a.txt}", "text", "text"),
        ("8", "{a: 1}", {"a": 1}),
    ],
)
def test_one_block_over_another(tmp_path: Path, below: str, above: str, expected: Any) -> None:
    top = write(tmp_path, below=f"x: {below}", top=f"base: below.yaml\nx: {above}")
    assert compose(top).value["x"] == expected


def test_what_a_change_of_kind_drops_is_noted() -> None:
    source = {"model": {"attention": {"kind": "longformer", "window": 64, "dropout": 0.1}, "position": "rotary"}}
    assert compose(source, ["model.attention={kind: bigbird, window: 3}"]).notes == (
        "model.attention: the kind changes from 'longformer' to 'bigbird', so 'dropout' is dropped",
    )
    both = {"x": {"kind": "a", "y": 1, "z": 2}}
    assert compose(both, ["x=b"]).notes == ("x: the kind changes from 'a' to 'b', so 'y', 'z' are dropped",)
    assert compose(source, ["model.position=alibi"]).notes == ()
    assert compose({"x": {"topology": "a"}}, ["x.kind=b"]).notes == ()


def test_the_caps_are_those_of_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    deepest = compose({}, [".".join("a" * 64) + "=1"]).value
    assert read_yaml_text(dump_yaml(deepest)).value == deepest
    for module in ("located", "references"):
        monkeypatch.setattr(f"registry.{module}.MAX_NODES", 100)
    assert compose({"a": [0] * 98})
    assert "or more than 100 values" in told({"a": [0] * 99})
    assert "more than 100 values, references followed" in told({"a": [0] * 50}, ("b", [0] * 48))


def test_deep_and_cyclic_sources_are_refused() -> None:
    cyclic: dict[str, Any] = {}
    cyclic["a"] = cyclic
    assert "nested deeper than 64 levels" in told(cyclic)
    assert "nested deeper than 64 levels" in told({}, ".".join("a" * 64) + "=[[1]]")
    assert "keys must be text, not 1" in told({1: 2})
