"""The strict reader: what each tricky input means, and the one line that a bad one gives."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.errors import Place, Problem, SpecError
from registry.yaml_reader import parse_scalar, read_yaml, read_yaml_text


def told(text: str | bytes) -> str:
    """The message for a bad spec called s."""
    with pytest.raises(SpecError) as caught:
        read_yaml_text(text, "s")
    return str(caught.value)


def same(value: object, expected: object) -> bool:
    """Equal and of equal type: 1 is not True and not 1.0."""
    return value == expected and type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-2.5e+3", -2500.0),
        ("12", 12),
        ("+5", 5),
        ("-3", -3),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("999999999999999999", 10**18 - 1),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0b1", "0b1"),
        ("1.2.3", "1.2.3"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01 10:00:00", "2026-01-01 10:00:00"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("n", "n"),
        ("tRUE", "tRUE"),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'1e-4'", "1e-4"),
        ('"true"', "true"),
        ("''", ""),
        ("=", "="),
        ("nan", "nan"),
        ("32-true", "32-true"),
        ("naïve", "naïve"),
        ("\u200b", "\u200b"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, expected: object) -> None:
    assert same(read_yaml_text(f"a: {text}").value["a"], expected)


def test_byte_order_mark_and_crlf() -> None:
    document = read_yaml_text(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: x\r\n", "s")
    assert document.value == {"a": 1, "b": {"c": "x"}}
    assert document.place(("a",)) == Place("s", 1, 4)
    assert document.key_place(("b", "c")) == Place("s", 3, 3)


BAD: dict[str, tuple[str | bytes, str]] = {
    "duplicate key": ("dim: 1\nlr: 2\ndim: 3", "s:3:1: dim: the key 'dim' appears twice: lines 1 and 3"),
    "duplicate nested": ("t:\n  a: 1\n  a: 2", "s:3:3: t.a: the key 'a' appears twice: lines 2 and 3"),
    "duplicate section": ("train: {a: 1}\nx: 1\ntrain: {}", "s:3:1: train: the key 'train' appears twice: lines 1"),
    "duplicate by quotes": ("a: 1\n'a': 2", "s:2:1: a: the key 'a' appears twice"),
    "duplicate in braces": ("x: {a: 1, a: 2}", "s:1:11: x.a: the key 'a' appears twice"),
    "nan": ("lr: .nan", "s:1:5: lr: '.nan' is not allowed: NaN and infinity"),
    "infinity": ("lr: -.inf", "s:1:5: lr: '-.inf' is not allowed"),
    "overflow": ("lr: 1e999", "s:1:5: lr: the number '1e999' is too large"),
    "26 digits": (f"n: {'9' * 26}", "s:1:4: n: an integer of more than 18 digits"),
    "19 digits": (f"n: -{'9' * 19}", "s:1:4: n: an integer of more than 18 digits"),
    "5,000 digits": (f"n: {'9' * 5000}", "s:1:4: n: an integer of more than 18 digits"),
    "long hexadecimal": (f"n: 0x{'f' * 5000}", "s:1:4: n: an integer of more than 18 digits"),
    "list on top": ("- a", "s:1:1: the top level must be a mapping ('key: value' lines), not a list"),
    "scalar on top": ("42", "s:1:1: the top level must be a mapping ('key: value' lines), not a number"),
    "no space after colon": ("dim:256", "not text: 'dim:256'; is a space missing after ':'?"),
    "no space in braces": ("a: {kind:full, b:1}", "s:1:5: a.kind:full: 'kind:full' has no value; is a space missing"),
    "null on top": ("null", "s:1:1: the top level must be a mapping ('key: value' lines), not empty (null)"),
    "empty": ("", "s:1:1: the file is empty"),
    "only comments": ("# nothing\n\n# here\n", "s:1:1: the file is empty"),
    "only a marker": ("---\n", "s:1:1: the file is empty"),
    "two documents": ("a: 1\n---\nb: 2", "s:2:1: a second document starts here"),
    "after the end": ("a: 1\n...\nb: 2", "s:3:1: unexpected text here: a spec file holds one document"),
    "tab indent": ("a:\n\tb: 1", "s:2:1: tabs cannot indent; use spaces"),
    "tab after space": ("a:\n  b: 1\n \tc: 1", "s:3:2: tabs cannot indent; use spaces"),
    "tab in a line": ("a:\tb", "s:1:3: a tab cannot stand here; use spaces"),
    "bad indent": ("a:\n    b: 1\n  c: 2", "s:3:3: wrong indentation"),
    "indent under a value": ("a: 1\n  b: 2", "s:2:4: no ':' is allowed here: the line above has no ':', has a value"),
    "unclosed brace": ("a: 1\nb: {c: 1\n", "s:2:4: the '{' that starts here is never closed by '}'"),
    "unclosed bracket": ("a: [1, 2", "s:1:4: the '[' that starts here is never closed by ']'"),
    "wrong bracket": ("a: {b: 1]", "s:1:9: expected ',' or '}' (the '{' is in line 1), found ']'"),
    "bracket from nowhere": ("a: }", "s:1:4: '}' closes nothing"),
    "unclosed quote": ("a: 'x\nb: 1\n", "s:1:4: the quote that starts here is never closed"),
    "text after a quote": ("a: 'b' c", "s:1:8: unexpected text after the value; quote the whole value"),
    "bad escape": ('a: "C:\\q"', "s:1:8: unknown escape character 'q' in double quotes"),
    "escape out of range": ('a: "\\UFFFFFFFF"', "s:1:7: a number here is out of range"),
    "two colons": ("a: b: c", "s:1:5: a second ':' in one line; quote a value that contains ': '"),
    "no colon": ("a: 1\nfoo\nb: 2", "s:2:1: this line has no ':' after its key"),
    "list in a line": ("a: - b", "s:1:4: a list cannot start with '- ' in the line of its key"),
    "list and mapping": ("a:\n  - b\n  c: 1", "s:3:3: a list and a mapping are mixed at the same indentation"),
    "list after a value": ("a: b\n- c", "s:2:1: a list and a mapping are mixed at the same indentation"),
    "block in a list": ("a:\n  - b\n c: 1", "s:3:2: wrong indentation: this line fits no line above"),
    "cut tag": ("a: !<x", "s:1:7: tags (words that start with '!') are not allowed"),
    "ampersand": ("a: & b", "s:1:4: '*' and '&' start an alias or an anchor; quote the value"),
    "reserved start": ("a: @x", "s:1:4: a value cannot start with '@'; quote the value"),
    "star": ("a: *", "s:1:4: '*' and '&' start an alias or an anchor; quote the value"),
    "pasted space": ("a:\u00a01\nb: 2", "differently (line 1 contains the non-ASCII character U+00A0, perhaps pasted)"),
    "missing comma": ("a: [b {c: 1}]", "s:1:7: expected ',' or ']' (the '[' is in line 1), found '{'"),
    "reference in braces": ("a: {b: ${c.d}}", "s:1:9: quote a reference inside brackets: '${a.b}'"),
    "undefined alias": ("a: *x", "s:1:4: a: the alias '*x' has no anchor '&x' above it."),
    "mistyped alias": ("a: &full 1\nb: *ful", "the alias '*ful' has no anchor '&ful' above it. Did you mean 'full'?"),
    "anchor twice": ("a: &x 1\nb: &x 2", "s:2:4: b: the anchor '&x' is defined twice: lines 1 and 2"),
    "recursive anchor": ("a: &a [*a]", "s:1:8: a.0: the alias '*a' is inside its own anchor"),
    "python tag": ("a: !!python/object/apply:os.system [ls]", "s:1:4: a: the tag '!!python/object/apply:os.system'"),
    "own tag": ("a: !foo x", "s:1:4: a: the tag '!foo' is not allowed; write the value alone"),
    "standard tag": ("a: !!int '3'", "s:1:4: a: the tag '!!int' is not allowed"),
    "tag of a block": ("a: !!map\n  b: 1", "s:1:4: a: the tag '!!map' is not allowed"),
    "unknown tag handle": ("a: !x!y z", "s:1:4: tags (words that start with '!') are not allowed"),
    "merge key": ("a: &a {b: 1}\nc:\n  <<: *a", "s:3:3: c: the merge key '<<' is not supported; share"),
    "number as key": ("1: a", "s:1:1: a key must be text, not a number; quote it: '1'"),
    "boolean as key": ("x:\n  true: a", "s:2:3: x: a key must be text, not true or false; quote it: 'true'"),
    "null as key": ("~: a", "s:1:1: a key must be text, not empty (null); quote it: '~'"),
    "NaN as key": (".nan: 1", "s:1:1: '.nan' is not allowed"),
    "tag on a key": ("!x a: 1", "s:1:1: a key cannot have a tag or an anchor"),
    "anchor on a key": ("&x a: 1", "s:1:1: a key cannot have a tag or an anchor"),
    "no key": (": a", "s:1:1: a key is missing before ':'"),
    "empty key": ("'': a", "s:1:1: a key is missing before ':'"),
    "list as key": ("? [a]\n: b", "s:1:3: a key must be text, not an alias, a list or a mapping"),
    "NUL byte": ("a: 1\nb: x\0y", "s:2:5: the character U+0000 is not allowed"),
    "control character": ("a: \x1b[31m", "s:1:4: the character U+001B is not allowed"),
    "line separator": ("a: x\u2028b: y", "s:1:5: the character U+2028 is not allowed"),
    "escaped NUL": ('a: "x\\0"', "s:1:4: a: text must not contain a NUL character"),
    "half a surrogate pair": ('a: "\\ud800"', "s:1:4: a: text must not contain half of a surrogate pair"),
    "invalid UTF-8": (b"a: 1\nb: caf\xe9\n", "s:2:7: the file is not UTF-8 (byte 0xe9); save it as UTF-8"),
    "UTF-16": ("a: 1".encode("utf-16"), "s:1:1: the file is UTF-16; save it as UTF-8"),
    "full-width digits": (
        "dim: \uff11\uff12",
        "s:1:6: dim: '\uff11\uff12' contains non-ASCII look-alike characters; did you mean '12'?",
    ),
    "too large": (b"a: " + b"x" * 1_000_000, "s:1:1: the file is larger than 1,000,000 bytes"),
    "5,000 brackets": ("a: " + "[" * 5000, "s:1:67: nested deeper than 64 levels"),
    "5,000 dashes": ("a:\n" + "- " * 5000, "s:2:127: nested deeper than 64 levels"),
    "5,000 braces": ("{a: " * 5000, "nested deeper than 64 levels"),
    "5,000 question marks": ("? " * 5000, "s:1:3: a key must be text"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_clear_line(case: str) -> None:
    text, expected = BAD[case]
    message = told(text)
    assert message.startswith(expected) if expected.startswith("s:") else expected in message
    # Keys without a space after the colon are two problems, each on its line.
    assert len(message.splitlines()) == (2 if case == "no space in braces" else 1)


def test_look_alike_key_is_left_to_the_schema() -> None:
    assert read_yaml_text("m\u043edel: 1").value == {"m\u043edel": 1}


def test_odd_keys_that_are_fine() -> None:
    text = "a:b:\nc: {d, 'e:f', g:h: 1}\n'<<': 1\n'3': 1"
    assert read_yaml_text(text).value == {"a:b": None, "c": {"d": None, "e:f": None, "g:h": 1}, "<<": 1, "3": 1}


def test_no_hint_without_reason() -> None:
    assert told("hello").endswith("not text")


def test_problems_are_collected() -> None:
    message = told("a: !x 1\nb: .nan\nb: 2\n3: c\nd: *e\nf: [1\n")
    assert [line.split(":")[1] for line in message.splitlines()] == ["1", "2", "3", "4", "5", "6"]


def test_no_flood_of_problems() -> None:
    assert len(told("\n".join(f"{n}: a" for n in range(1000))).splitlines()) == 100


def test_billion_laughs() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert "more than 50,000 values (an alias counts as often as it is used)" in told("\n".join(lines))


def test_number_of_values_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.yaml_builder.MAX_NODES", 100)
    assert read_yaml_text("a: [" + "1," * 98 + "]")
    assert "s:1:201: a.98: more than 100 values" in told("a: [" + "1," * 99 + "]")


def test_depth_counts_aliases() -> None:
    lines = ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{x: *a{n - 1}}}" for n in range(1, 70))]
    assert "nested deeper than 64 levels by an alias" in told("\n".join(lines))


def test_depth_of_64_is_read() -> None:
    assert read_yaml_text("a: " + "[" * 63 + "]" * 63)
    assert "s:1:67: nested deeper" in told("a: " + "[" * 64 + "]" * 64)
    half = "a: &a " + "[" * 30 + "]" * 30
    assert read_yaml_text(f"{half}\nb: {'[' * 33}*a{']' * 33}")
    assert "nested deeper than 64 levels by an alias" in told(f"{half}\nb: {'[' * 34}*a{']' * 34}")


def test_aliases_are_separate_values() -> None:
    document = read_yaml_text("a: &x {b: [1]}\nc: *x\n", "s")
    document.value["c"]["b"].append(2)
    assert document.value == {"a": {"b": [1]}, "c": {"b": [1, 2]}}
    assert document.place(("c",)) == Place("s", 2, 4)
    assert document.place(("c", "b")) == Place("s", 1, 11)


def test_places() -> None:
    document = read_yaml_text("model:\n  layers:\n    - local\n    - {kind: full}\n  dim:   8\n", "s")
    assert document.place(("model", "dim")) == Place("s", 5, 10)
    assert document.key_place(("model", "dim")) == Place("s", 5, 3)
    assert document.place(("model", "layers", 1, "kind")) == Place("s", 4, 14)
    assert document.key_place(("model", "layers", 1)) == Place("s", 4, 7)
    assert document.place(("model", "layers", 2)) == document.place(("model", "layers"))
    assert document.place(("model", "layers", "kind")) == document.place(("model", "layers"))
    assert document.place(("model", "layers", 0)) == document.place(("model", "layers", 0, 0)) == Place("s", 3, 7)
    assert document.place(("model", 0)) == document.place(("model",))
    # What is not there takes the place of its nearest parent.
    assert document.place(("model", "layers", 7, "kind")) == document.place(("model", "layers"))
    assert document.key_place(("model", "heads")) == Place("s", 1, 1)
    assert document.place(()) == Place("s", 1, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-4", 1e-4),
        ("no", "no"),
        ("full", "full"),
        ("1,2", "1,2"),
        (" 8 ", 8),
        ("'a #b'", "a #b"),
        ("a#b", "a#b"),
        ("", None),
        ("null", None),
        ("''", ""),
        ("[a, 2]", ["a", 2]),
        ("{kind: longformer, window: 64}", {"kind": "longformer", "window": 64}),
        ("${a.b}", "${a.b}"),
    ],
)
def test_parse_scalar(text: str, expected: object) -> None:
    assert same(parse_scalar(text), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run #3", "'#' starts a comment; quote the value"),
        ("[a] # b", "'#' starts a comment"),
        ("#1", "'#1' holds no value"),
        ("---", "'---' holds no value"),
        ("a: b", "write a mapping as {key: value}"),
        ("- a", "a list as [a, b]"),
        ("{a: 1", "the '{' that starts here is never closed"),
        ("!!int 3", "the tag '!!int' is not allowed"),
        (".nan", "'.nan' is not allowed"),
        ("*a", "the alias '*a' has no anchor"),
        ("{a: 1, a: 2}", "the key 'a' appears twice"),
    ],
)
def test_parse_scalar_refuses_what_would_be_lost(text: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_scalar(text)
    assert expected in str(caught.value)


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "decoder.yaml"
    file.write_text("a: 1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match=r"^decodr.yaml: no such file. Did you mean 'decoder.yaml'\?$"):
        read_yaml("decodr.yaml")
    assert read_yaml(file).place(("a",)) == Place(str(file), 1, 4)
    for name, expected in [
        ("decodr.yaml", "decodr.yaml: no such file. Did you mean 'decoder.yaml'?"),
        ("gone/decoder.yaml", "no such file. There is no folder"),
        ("", "this is a folder, not a spec file"),
        ("decoder.yaml/x", "cannot be read (Not a directory)"),
        ("a\0b", "cannot be read (embedded null byte)"),
    ]:
        with pytest.raises(SpecError) as caught:
            read_yaml(tmp_path / name)
        assert expected in str(caught.value)


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(SpecError, match=r"x\.yaml: cannot be read \(Permission denied\)"):
        read_yaml(tmp_path / "x.yaml")


def problems_of(read: Callable[[str], object], text: str) -> tuple[Problem, ...] | None:
    """The problems of a text, or None when it can be read."""
    try:
        read(text)
    except SpecError as error:
        return error.problems
    return None


# Characters that mean something to YAML, so that random text gets past the first line.
YAML_TEXT = st.text(alphabet="ab1e.:-?[]{},&*!|>'\"%@#~<= \n\t\\$é\u00a0\u200b\0", max_size=40)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(YAML_TEXT)
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_yaml_text, parse_scalar):
        problems = problems_of(read, text)
        assert problems is None or len(problems) > 0
        assert all(p.place and p.place.line >= 1 and p.place.column >= 1 for p in problems or ())
