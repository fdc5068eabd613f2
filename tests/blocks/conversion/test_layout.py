"""Patterns with `+`, against the same done by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from blocks.conversion.layout import Layout

SIZES = {"h": 6, "g": 2, "r": 3, "d": 4, "i": 5, "f": 7, "e": 2}


def numbered(*shape: int) -> Tensor:
    return torch.arange(float(torch.Size(shape).numel())).reshape(shape)


def rows(whole: Tensor, *blocks: range) -> list[Tensor]:
    return [torch.cat([whole[n : n + 1] for n in block]) for block in blocks]


CASES = {
    # GPT-2: inputs first, three pieces of one width behind them
    "i (h d + h d + h d) -> (h d) i, (h d) i, (h d) i": (
        numbered(5, 72),
        lambda w: [w[:, :24].T, w[:, 24:48].T, w[:, 48:].T],
    ),
    # GPT-NeoX: the three of a head beside each other
    "(h (d + d + d)) i -> (h d) i, (h d) i, (h d) i": (
        numbered(72, 5),
        lambda w: [
            torch.cat([w[head * 12 + part * 4 : head * 12 + part * 4 + 4] for head in range(6)]) for part in range(3)
        ],
    ),
    # Falcon: for each key its three queries
    "(g (r d + d + d)) i -> (g r d) i, (g d) i, (g d) i": (
        numbered(40, 5),
        lambda w: rows(
            w, [*range(12), *range(20, 32)], [*range(12, 16), *range(32, 36)], [*range(16, 20), *range(36, 40)]
        ),
    ),
    # GPT-BigCode: every query, one key, one value
    "(h d + d + d) i -> (h d) i, d i, d i": (numbered(32, 5), lambda w: [w[:24], w[24:28], w[28:]]),
    # Phi-3: fewer keys than queries
    "(h d + g d + g d) i -> (h d) i, (g d) i, (g d) i": (numbered(40, 5), lambda w: [w[:24], w[24:32], w[32:]]),
    "(f + f) i -> f i, f i": (numbered(14, 5), lambda w: [w[:7], w[7:]]),
    "(h d + h d + h d) -> (h d), (h d), (h d)": (numbered(72), lambda w: [w[:24], w[24:48], w[48:]]),
    "e (f + f) i -> e f i, e f i": (numbered(2, 14, 5), lambda w: [w[:, :7], w[:, 7:]]),
    "i f -> f i": (numbered(5, 7), lambda w: [w.T]),
    "1 1 f -> f": (numbered(1, 1, 7), lambda w: [w[0, 0]]),
    "f i 1 -> f i": (numbered(7, 5, 1), lambda w: [w[..., 0]]),
}


@pytest.mark.parametrize("text", CASES)
def test_both_ways(text: str) -> None:
    whole, by_hand = CASES[text]
    layout = Layout.parse(text)
    parts = layout.apply([whole], SIZES)
    for got, want in zip(parts, by_hand(whole), strict=True):
        assert torch.equal(got, want)
    (back,) = layout.reversed().apply(parts, SIZES)
    assert torch.equal(back, whole)


@pytest.mark.parametrize("text", CASES)
def test_shapes_follow_from_the_parts(text: str) -> None:
    whole, by_hand = CASES[text]
    layout = Layout.parse(text)
    sizes = {axis: SIZES[axis] for axis in "hgrd"}
    for pattern, part in zip(layout.right, by_hand(whole), strict=True):
        sizes = pattern.solve(part.shape, sizes)
    assert layout.left[0].shape(sizes) == list(whole.shape)


def test_parts_of_theirs_join_into_one_of_ours() -> None:
    layout = Layout.parse("f i, f i -> (f + f) i")
    up, gate = numbered(7, 5), -numbered(7, 5)
    (joined,) = layout.apply([gate, up], SIZES)
    assert torch.equal(joined, torch.cat([gate, up]))
    assert all(torch.equal(a, b) for a, b in zip(layout.reversed().apply([joined], SIZES), [gate, up], strict=True))


def test_text_is_kept() -> None:
    for text in CASES:
        assert Layout.parse(str(Layout.parse(text))) == Layout.parse(text)
    assert str(Layout.parse("i (h d + h d) -> (h d) i, (h d) i").without("i")) == "(h d + h d) -> (h d), (h d)"
    assert str(Layout.parse("i o -> o i").without("i")) == "o -> o"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b", "one '->'"),
        ("a -> b -> c", "one '->'"),
        ("(a + b) -> a", "2 pieces and 1 tensors"),
        ("a -> a, a", "1 pieces and 2 tensors"),
        ("(a + b) (c + d) -> a c, b d", "more than one '\\+'"),
        ("(a + (b + c)) -> a, b, c", "inside"),
        ("(a + b), c -> a, b, c", "one side is a single tensor"),
        ("(a -> a", "not closed"),
        ("(a + ) -> a, b", "beside a '\\+'"),
        ("A -> A", "not 'A'"),
    ],
)
def test_a_pattern_that_makes_no_sense_says_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Layout.parse(text)


@pytest.mark.parametrize("text", ["a b -> a", "a -> a b", "(a + b) c -> a c, b", "a a -> a a"])
def test_nothing_is_dropped_or_repeated(text: str) -> None:
    layout = Layout.parse(text)
    with pytest.raises(ValueError, match="the axes"):
        layout.stacked([[]] * len(layout.left), [[]] * len(layout.right))


def test_shapes_that_do_not_fit() -> None:
    (pattern,) = Layout.parse("(h d) i -> (h d) i").left
    assert pattern.solve((12, 5), {"h": 3}) == {"h": 3, "d": 4, "i": 5}
    for shape, sizes in (((12,), {"h": 3}), ((13, 5), {"h": 3}), ((12, 5), {"h": 3, "d": 5}), ((12, 5), {})):
        with pytest.raises(ValueError, match=r"pattern|fit"):
            pattern.solve(shape, sizes)
    with pytest.raises(ValueError, match="size of the axis f is not known"):
        Layout.parse("(f + f) i -> f i, f i").left[0].solve((4, 2), {})
