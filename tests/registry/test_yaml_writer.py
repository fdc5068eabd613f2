"""What is saved is read back unchanged."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.errors import SpecError
from registry.yaml_reader import read_yaml_text
from registry.yaml_writer import dump_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
WORDS = ["no", "1e-4", "1:30", "null", "", "~", "0x1F", ".nan", "<<", "a: b", "- a", "x\u0085", "${a.b}", "\uff11"]
TRICKY = st.sampled_from(WORDS)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | TRICKY
)
KEYS = TRICKY.filter(bool) | st.sampled_from(["dim", "model.attention"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
def test_what_is_written_is_read_back(value: dict[str, Any]) -> None:
    # repr also tells 1 from 1.0 and True, 0.0 from -0.0, and the order of keys.
    assert repr(read_yaml_text(dump_yaml(value)).value) == repr(value)


def test_written_form() -> None:
    value = {"model": {"dim": 8, "layers": ["local", {"kind": "full"}], "text": "a\nb"}, "lr": 0.0001, "no": "1e-4"}
    assert dump_yaml(value) == (
        "model:\n  dim: 8\n  layers:\n  - local\n  - kind: full\n  text: \"a\\nb\"\nlr: 0.0001\n'no': '1e-4'\n"
    )
    shared = [1]
    assert dump_yaml({"a": shared, "b": shared}) == "a:\n- 1\nb:\n- 1\n"


@pytest.mark.parametrize("value", [math.inf, 10**18, "a\0", "\ud800", {1: 2}, {"": 2}, {1, 2}, b"x"])
def test_what_cannot_be_read_back_is_not_written(value: Any) -> None:
    with pytest.raises(SpecError):
        dump_yaml({"a": value})
