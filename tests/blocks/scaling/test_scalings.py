"""Each scaling pair by pair, from the formulas of its paper, and its effect on attention."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.attention import FullAttention
from blocks.coords import Coords
from blocks.masks import Causal
from blocks.position import Rotary
from blocks.scaling import (
    LinearScaling,
    Llama3Scaling,
    LongRopeScaling,
    NTKScaling,
    Scaling,
    YarnScaling,
)

BASE, D = 10000.0, 32


def rates() -> Tensor:
    return BASE ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)


def turns(i: int, length: int) -> float:
    """How often pair i turns within a length."""
    return length * BASE ** (-2 * i / D) / (2 * math.pi)


def test_linear_slows_all_pairs_alike() -> None:
    torch.testing.assert_close(LinearScaling(factor=4.0).slowed(rates(), BASE), rates() / 4)


def test_ntk_keeps_the_fastest_pair_and_slows_the_slowest_by_the_factor() -> None:
    found = NTKScaling(factor=4.0).slowed(rates(), BASE) / rates()
    assert float(found[0]) == pytest.approx(1)
    assert float(found[-1]) == pytest.approx(1 / 4)
    for i in range(D // 2):
        assert float(found[i]) == pytest.approx(4 ** (-2 * i / (D - 2)))


def test_llama3_goes_from_kept_to_slowed_by_the_number_of_turns() -> None:
    scaling = Llama3Scaling(factor=8.0, slow=1.0, fast=4.0, original_length=512)
    found = scaling.slowed(rates(), BASE) / rates()
    kinds = set()
    for i in range(D // 2):
        t = turns(i, 512)
        if t > 4:
            right, kind = 1.0, "fast"
        elif t < 1:
            right, kind = 1 / 8, "slow"
        else:
            s = (t - 1) / 3
            right, kind = (1 - s) / 8 + s, "between"
        kinds.add(kind)
        assert float(found[i]) == pytest.approx(right)
    assert kinds == {"fast", "slow", "between"}


@pytest.mark.parametrize("truncate", [True, False])
def test_yarn_goes_from_kept_to_slowed_by_the_number_of_the_pair(truncate: bool) -> None:
    scaling = YarnScaling(factor=16.0, original_length=512, truncate=truncate)
    found = scaling.slowed(rates(), BASE) / rates()

    def pair(times: float) -> float:
        """Where a pair, were there one between the others, would turn so often."""
        return math.log(512 / (2 * math.pi * times)) / math.log(BASE) * D / 2

    first, last = pair(32), pair(1)
    if truncate:
        first, last = math.floor(first), math.ceil(last)
    assert 0 < first < last < D // 2
    for i in range(D // 2):
        slow = min(max((i - first) / (last - first), 0), 1)
        assert float(found[i]) == pytest.approx(slow / 16 + 1 - slow)
    assert scaling.attention == pytest.approx(0.1 * math.log(16) + 1)
    assert YarnScaling(factor=16.0, original_length=512, attention=1.25).attention == 1.25
    assert YarnScaling(factor=1.0, original_length=512).attention == 1


def test_longrope_has_a_factor_for_each_pair_and_the_spec_chooses_the_list() -> None:
    short, long = [1.0 + i / 100 for i in range(16)], [1.0 + i for i in range(16)]
    given = partial(LongRopeScaling, short=short, long=long, original_length=4096, factor=32.0)
    torch.testing.assert_close(given().slowed(rates(), BASE) * torch.tensor(long), rates())
    torch.testing.assert_close(given(use="short").slowed(rates(), BASE) * torch.tensor(short), rates())
    assert given().attention == pytest.approx(math.sqrt(1 + math.log(32) / math.log(4096)))
    assert given(attention=1.5).attention == 1.5
    with pytest.raises(ValueError, match="'longrope' has 3 factors for 16 pairs of coordinates"):
        LongRopeScaling(short=[1.0], long=[1.0] * 3, original_length=8).slowed(rates(), BASE)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NTKScaling(factor=2.0).slowed(torch.ones(1), BASE), "one pair alone cannot be scaled"),
        (lambda: Llama3Scaling(slow=4.0, fast=1.0), r"fast \(1 turns\) must exceed slow \(4 turns\)"),
    ],
)
def test_refuses_what_makes_no_sense(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


SCALINGS = [
    partial(LinearScaling, factor=4.0),
    partial(NTKScaling, factor=4.0),
    partial(Llama3Scaling, original_length=64),
    partial(YarnScaling, factor=4.0, original_length=64),
    partial(LongRopeScaling, short=[1.0, 1.0], long=[1.5, 3.0], original_length=64, factor=2.0),
]


@pytest.mark.parametrize("scaling", SCALINGS, ids=lambda s: s.func.__name__)
def test_cached_decoding_is_the_full_pass(scaling: Any) -> None:
    torch.manual_seed(0)
    attention = FullAttention(8, 2).double().eval()
    position, x = Rotary(4, base=50.0, scaling=scaling), torch.randn(1, 12, 8, dtype=torch.float64)
    whole, cache = attention(x, mask=Causal(), position=position), attention.new_cache()
    assert (whole - attention(x, mask=Causal(), position=Rotary(4, base=50.0))).abs().max() > 1e-4
    for i in range(12):
        step = attention(x[:, i : i + 1], Coords.of(1, start=i), mask=Causal(), position=position, cache=cache)
        torch.testing.assert_close(step, whole[:, i : i + 1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("scaling", SCALINGS, ids=lambda s: s.func.__name__)
def test_keeps_the_dtype(scaling: Any) -> None:
    made: Scaling = scaling()
    for dtype in (torch.float32, torch.float64):
        assert made.slowed(torch.tensor([1.0, 0.1], dtype=dtype), BASE).dtype == dtype
