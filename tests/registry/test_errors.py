"""Problems: their text, their order, and the nearest word."""

import pickle

import pytest

from registry.errors import Place, Problem, SpecError, did_you_mean, nearest, quoted


def test_all_problems_one_line_each_by_place() -> None:
    late = Problem("model.dim", "is text, not a number", Place("b.yaml", 12, 3))
    early = Problem("model.heads", "is missing", Place("b.yaml", 2, 1))
    other_file = Problem("seed", "is empty", Place("a.yaml", 40, 1))
    nowhere = Problem("", "x.yaml: no such file")
    error = SpecError([late, early, other_file, nowhere, early])
    assert str(error).splitlines() == [
        "x.yaml: no such file",
        "a.yaml:40:1: seed: is empty",
        "b.yaml:2:1: model.heads: is missing",
        "b.yaml:12:3: model.dim: is text, not a number",
    ]
    assert error.problems == (nowhere, other_file, early, late)


def test_hostile_text_stays_on_one_line() -> None:
    text = str(SpecError([Problem("a\nb", "bad \x1b[31m key\r", Place("s.yaml", 1, 1))]))
    assert text == "s.yaml:1:1: a\\nb: bad \\x1b[31m key\\r"
    assert quoted("x" * 60) == f"'{'x' * 60}'"
    assert quoted("x" * 100) == f"'{'x' * 57}...'"


def test_survives_pickling() -> None:
    error = SpecError([Problem("a", "b", Place("c", 1, 2))])
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert copy.problems == error.problems
    assert str(copy) == str(error)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("ghqa", "gqa"),
        ("attn_norm", "attn-norm"),
        ("ROTARY", "rotary"),
        ("d_modle", "d_model"),
        ("zzz", None),
    ],
)
def test_nearest(word: str, expected: str | None) -> None:
    assert nearest(word, ["gqa", "mha", "attn-norm", "rotary", "d_model"]) == expected


def test_did_you_mean() -> None:
    assert did_you_mean("modle", ["model", "data"]) == " Did you mean 'model'?"
    assert did_you_mean("qqq", ["model", "data"]) == ""
    # The right word in the wrong place is no suggestion.
    assert did_you_mean("model", ["model"]) == ""
    assert did_you_mean("model", []) == ""
    assert did_you_mean("model ", ["model"]) == " Did you mean 'model'?"
    assert did_you_mean("naïve", ["naïve", "model"]) == did_you_mean("été", ["naïve", "model"]) == ""
    assert did_you_mean("\u0434\u0430\u043d\u043d\u044b\u0435", ["model"]) == ""


@pytest.mark.parametrize(
    "word",
    ["m\u043edel", "\uff4d\uff4f\uff44\uff45\uff4c", "m\u03bfdel", "mo\u200bdel", "model\u00a0", "\U0001d5c6odel"],
    ids=["cyrillic", "full-width", "greek", "zero-width", "no-break-space", "mathematical"],
)
def test_look_alikes_are_named(word: str) -> None:
    assert did_you_mean(word, ["model", "data"]) == (
        " It contains non-ASCII look-alike characters; did you mean 'model'?"
    )
