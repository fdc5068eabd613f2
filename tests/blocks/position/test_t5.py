from __future__ import annotations

from functools import partial

import pytest
import torch

from blocks.coords import Coords
from blocks.position import T5
from blocks.position.t5 import bucket
from blocks.topology import Decoder


def exact(ahead: int, causal: bool, buckets: int, max_distance: int) -> int:
    """The published rule in integers: the bucket grows where distance / max_exact reaches the next power."""
    start, distance = 0, max(-ahead, 0)
    if not causal:
        buckets //= 2
        start, distance = (buckets if ahead > 0 else 0), abs(ahead)
    first = buckets // 2
    if distance < first:
        return start + distance
    steps = buckets - first
    # the largest s with first * (max_distance / first)^(s / steps) <= distance
    s = 0
    while s < steps and (max_distance**s) * first**steps <= distance**steps * first**s:
        s += 1
    return start + min(first + s - 1, buckets - 1)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("buckets", "max_distance"), [(32, 128), (16, 24), (8, 20), (64, 256), (32, 256)])
def test_buckets_are_those_of_exact_arithmetic(buckets: int, max_distance: int, causal: bool) -> None:
    ahead = torch.arange(-600, 601)
    found = bucket(ahead, causal=causal, buckets=buckets, max_distance=max_distance)
    assert found.tolist() == [exact(int(a), causal, buckets, max_distance) for a in ahead]


def test_keys_ahead_use_the_upper_half_of_the_table() -> None:
    at = Coords.of(3)
    scheme = T5(2).double()
    bias = scheme.bias(at.queries(), at.keys())
    table = scheme.table.weight
    for i in range(3):
        for j in range(3):
            row = {0: 0, -1: 1, -2: 2, 1: 17, 2: 18}[j - i]
            assert torch.equal(bias[0, :, i, j], table[row])


def test_a_causal_stack_uses_the_whole_table_for_the_past() -> None:
    at = Coords.of(40)
    bias = T5(1, causal=True).bias(at.queries(), at.keys())
    assert bias[0, 0].tril().unique().numel() > 20


@pytest.mark.parametrize("each", [False, True])
def test_the_layers_share_a_table_or_have_one_each(each: bool) -> None:
    model = Decoder(dim=8, layers=3, heads=2, vocab=5, position=partial(T5, each_layer=each))
    tables = [model.stack.position(layer).table for layer in range(3)]
    assert len(set(map(id, tables))) == (3 if each else 1)


def test_refuses_a_distance_within_the_exact_buckets() -> None:
    with pytest.raises(ValueError, match="max_distance 16 must exceed half of the 32 buckets"):
        T5(2, max_distance=16)
