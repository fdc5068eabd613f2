"""Masks, each against the sentence that says what it shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from blocks.coords import Coords
from blocks.masks import (
    Both,
    Causal,
    Either,
    Full,
    Mask,
    Prefix,
    SameSegment,
    Valid,
    Window,
    both,
    pairwise,
    split_band,
    terms,
)

SEGMENT = [0, 0, 0, 1, 1, 2]
PREFIX = [True, True, False, False, True, False]
VALID = [False, True, True, True, True, False]
AT = Coords.of(6, segment=torch.tensor([SEGMENT]), prefix=torch.tensor([PREFIX]), valid=torch.tensor([VALID]))

Rule = Callable[[int, int], bool]
RULES: list[tuple[Mask, Rule]] = [
    (Full(), lambda q, k: True),
    (Causal(), lambda q, k: k <= q),
    (Window(2, 1), lambda q, k: q - 2 <= k <= q + 1),
    (Window(0, 0), lambda q, k: k == q),
    (Valid(), lambda q, k: VALID[k]),
    (SameSegment(), lambda q, k: SEGMENT[q] == SEGMENT[k]),
    (Prefix(), lambda q, k: PREFIX[k]),
    (Causal() & Valid(), lambda q, k: k <= q and VALID[k]),
    (Causal() | Prefix(), lambda q, k: k <= q or PREFIX[k]),
    ((Causal() | Prefix()) & SameSegment(), lambda q, k: (k <= q or PREFIX[k]) and SEGMENT[q] == SEGMENT[k]),
]


@pytest.mark.parametrize(("mask", "rule"), RULES, ids=lambda x: str(x) if not callable(x) else "")
def test_shows_what_it_says(mask: Mask, rule: Rule) -> None:
    expected = torch.tensor([[[rule(q, k) for k in range(6)] for q in range(6)]])
    assert mask.allow(AT.queries(), AT.keys()).expand(1, 6, 6).equal(expected)


@pytest.mark.parametrize(("mask", "rule"), RULES, ids=lambda x: str(x) if not callable(x) else "")
def test_is_elementwise_on_any_rectangle(mask: Mask, rule: Rule) -> None:
    q, k = torch.tensor([5, 1]), torch.tensor([0, 3, 4])
    seen = mask.allow(AT.take(q).queries(), AT.take(k).keys())
    assert seen.expand(1, 2, 3).tolist() == [[[rule(int(i), int(j)) for j in k] for i in q]]


@pytest.mark.parametrize("mask", [mask for mask, _ in RULES], ids=str)
def test_keys_only_is_true_of_masks_that_say_so(mask: Mask) -> None:
    seen = mask.allow(AT.queries(), AT.keys()).expand(1, 6, 6)
    if mask.keys_only:
        assert (seen == seen[:, :1]).all()


def test_what_coordinates_do_not_say_hides_nothing_and_there_is_no_prefix() -> None:
    plain = Coords.of(3)
    q, k = plain.queries(), plain.keys()
    assert Valid().allow(q, k).all()
    assert SameSegment().allow(q, k).all()
    assert not Prefix().allow(q, k).any()


def test_masks_are_values() -> None:
    assert Causal() & Window(2, 0) == both(Causal(), Window(2, 0))
    assert hash(Causal() | Prefix()) == hash(Either(Causal(), Prefix()))


def test_both_leaves_out_what_hides_nothing() -> None:
    assert both(Full(), Causal()) == Causal()
    assert both(Causal(), Full()) == Causal()
    assert both(Full(), Full()) == Full()


def test_terms_are_the_conjunction() -> None:
    mask = Causal() & (Window(1, 0) & Valid()) & (Causal() | Prefix())
    assert list(terms(mask)) == [Causal(), Window(1, 0), Valid(), Either(Causal(), Prefix())]


def test_pairwise_is_none_only_where_nothing_is_hidden() -> None:
    assert pairwise(Full(), AT, AT) is None
    seen = pairwise(Causal(), AT, AT)
    assert seen is not None
    assert seen.shape == (1, 6, 6)


BANDS = [
    (Full(), None, None, Full()),
    (Causal(), None, 0, Full()),
    (Window(3, 2), 3, 2, Full()),
    (Causal() & Window(3, 2), 3, 0, Full()),
    (Window(3, 2) & Window(1, 5), 1, 2, Full()),
    (Causal() & Valid() & SameSegment(), None, 0, Valid() & SameSegment()),
    (Causal() | Prefix(), None, None, Either(Causal(), Prefix())),
    ((Causal() | Window(1, 0)) & Causal(), None, 0, Either(Causal(), Window(1, 0))),
]


@pytest.mark.parametrize(("mask", "before", "after", "rest"), BANDS, ids=str)
def test_a_band_and_the_rest_are_the_mask(mask: Mask, before: int | None, after: int | None, rest: Mask) -> None:
    band = split_band(mask, AT, AT)
    assert (band.before, band.after, band.rest) == (before, after, rest)
    again = Both(band.rest, Window(10 if before is None else before, 10 if after is None else after))
    q, k = AT.queries(), AT.keys()
    assert again.allow(q, k).expand(1, 6, 6).equal(mask.allow(q, k).expand(1, 6, 6))


def test_a_band_leaves_out_what_hides_nothing_at_these_coordinates() -> None:
    plain = Coords.of(4)
    band = split_band((Causal() | Prefix()) & Valid() & SameSegment(), plain, plain)
    assert (band.before, band.after, band.rest) == (None, 0, Full())
    assert band.causal
    assert not band.bounded
    # a source with documents read by queries without any, and the other way round
    assert split_band(SameSegment(), AT, plain).rest == Full()
    assert split_band(Valid(), plain, AT).rest == Valid()
