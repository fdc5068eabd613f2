"""Tokens as people read them."""

from __future__ import annotations

import pytest

from experiments.attention_maps.words import Word, readable, visible


def texts(pieces: list[bytes | None]) -> list[str]:
    return [word.text for word in readable(pieces, ["<eos>"] * len(pieces))]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b" the", b" ", b"cat\n"], ["\u2423the", "\u2423", "cat\u21b5"]),
        ([b"\t", b"\r", b"\x00", b""], ["\u21e5", "\\r", "\\x00", "\u2205"]),
        # a character of several tokens, then one that is not finished
        ([b"\xc3", b"\xa9", b"x"], ["\u00e9\u2081", "\u00e9\u2082", "x"]),
        ([b"\xf0", b"\x9f", b"\xa6", b"\x8a"], [f"\U0001f98a{n}" for n in "\u2081\u2082\u2083\u2084"]),
        ([b"\xe4", b"\xb8"], ["\\xe4", "\\xb8"]),
        ([b"\xe4", None, b"\xb8\xad"], ["\\xe4", "<eos>", "\\xb8\\xad"]),
        ([b"\xff", b"a"], ["\\xff", "a"]),
        # a token that ends within a character which the next one ends
        ([b" \xe4", b"\xb8\xad"], [" \\xe4".replace(" ", "\u2423"), "\\xb8\\xad"]),
        (["\u0301".encode()], ["\u25cc\u0301"]),
        (["\u202e".encode()], ["\\u202e"]),
        ([], []),
    ],
)
def test_readable(pieces: list[bytes | None], expected: list[str]) -> None:
    assert texts(pieces) == expected


def test_a_special_token_is_marked_and_the_same_text_is_not() -> None:
    assert readable([b"<eos>", None], ["", "<eos>"]) == [Word("<eos>"), Word("<eos>", special=True)]


def test_markup_is_left_to_the_page() -> None:
    assert visible("</script><img onerror=x>") == "</script><img\u2423onerror=x>"
