"""The tables of random blocks: as the authors' code draws them, and what holds for any plan."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from blocks.attention.random_blocks import Draw, Plan, random_blocks, seen_blocks

DRAW = Draw("uniform", heads=3, count=2, block=4, seed=0, layer=1, old_length=4096)
PLANS = pytest.mark.parametrize("plan", ["published", "uniform"])

# SHA-256 of tables that transformers 5.23.0 draws in training: (tokens, block, count, heads, layer, its longest input).
TABLES = [
    ((48, 4, 2, 4, 0, 64), "7de83d621e98fbd3"),
    ((960, 64, 3, 12, 11, 4096), "91b6198b48991b0e"),
    ((2048, 64, 3, 12, 7, 4096), "2369a5f9b83562d5"),
    ((20, 1, 6, 3, 2, 64), "0aa12374a9f1543f"),
    ((26, 2, 1, 2, 1, 64), "b9d3eae998b138a2"),
    ((1024, 64, 3, 12, 11, 4096), "61c8f53db1c4ecdb"),
    ((3072, 64, 3, 12, 0, 4096), "c74e1c0101dbdd9c"),
    ((4096, 64, 3, 12, 5, 4096), "e096ac4fcbc16d4d"),
    ((4096, 128, 3, 2, 3, 4096), "3577aec0ffb280dd"),
    ((1024, 32, 2, 2, 3, 2048), "23db24019636281c"),
    ((1024, 16, 3, 2, 3, 1024), "5213679ca0808368"),
]


@pytest.mark.parametrize(("sizes", "digest"), TABLES)
def test_published_tables_are_those_of_the_reference(sizes: tuple[int, ...], digest: str) -> None:
    tokens, block, count, heads, layer, longest = sizes
    draw = Draw("published", heads, count, block, seed=0, layer=layer, old_length=longest)
    table = random_blocks(draw, tokens // block, causal=False)[:, 1:-1]
    assert hashlib.sha256(table.contiguous().numpy().astype("<i8").tobytes()).hexdigest()[:16] == digest


def test_the_seed_is_added_to_the_layer() -> None:
    draw = replace(DRAW, plan="published")
    one, two = replace(draw, seed=3, layer=1), replace(draw, seed=0, layer=4)
    assert torch.equal(random_blocks(one, 20, causal=False), random_blocks(two, 20, causal=False))


@PLANS
def test_any_seed_will_do(plan: Plan) -> None:
    table = random_blocks(replace(DRAW, plan=plan, seed=10**12), 20, causal=False)
    assert not torch.equal(table, random_blocks(replace(DRAW, plan=plan), 20, causal=False))


def test_the_older_plan_may_draw_the_last_block() -> None:
    draw = replace(DRAW, plan="published", block=64, count=3)
    assert (random_blocks(draw, 16, causal=False) == 15).any()
    assert not (random_blocks(draw, 17, causal=False) == 16).any()


@PLANS
@pytest.mark.parametrize("blocks", [10, 11, 30])
def test_bidirectional_rows_draw_as_many_blocks_as_asked_and_none_that_they_see_anyway(plan: Plan, blocks: int) -> None:
    table = random_blocks(replace(DRAW, plan=plan), blocks, causal=False).tolist()
    for head in table:
        assert head[0] == head[-1] == [-1, -1]
        for row, drawn in enumerate(head[1:-1], start=1):
            assert len(set(drawn)) == 2
            assert not set(drawn) & {-1, 0, blocks - 1, row - 1, row, row + 1}


@PLANS
def test_causal_rows_draw_from_the_past_and_do_not_know_what_follows(plan: Plan) -> None:
    draw = replace(DRAW, plan=plan)
    table = random_blocks(draw, 40, causal=True)
    for head in table.tolist():
        for row, drawn in enumerate(head):
            there = [b for b in drawn if b >= 0]
            assert len(set(there)) == len(there)
            assert all(0 < b < row - 1 for b in there)
            if plan == "uniform" or row > draw.dense:
                assert len(there) == min(2, max(0, row - 2))
    for blocks in (1, 2, 3, 8, 23):
        assert torch.equal(random_blocks(draw, blocks, causal=True), table[:, :blocks])


def test_uniform_draws_every_other_block_as_often() -> None:
    draws = [random_blocks(replace(DRAW, seed=seed), 12, causal=False)[:, 4] for seed in range(500)]
    found = torch.cat(draws).flatten().bincount(minlength=12)
    assert found[[0, 3, 4, 5, 11]].sum() == 0
    others = found[[1, 2, 6, 7, 8, 9, 10]].double()
    # 3000 draws of 7 blocks
    assert float((others - 3000 / 7).abs().max()) < 5 * (3000 / 7) ** 0.5


@pytest.mark.parametrize("change", [{"seed": 1}, {"layer": 2}])
@PLANS
def test_seeds_layers_heads_and_rows_draw_differently(plan: Plan, change: dict[str, int]) -> None:
    draw = replace(DRAW, plan=plan)
    table = random_blocks(draw, 40, causal=False)
    assert not torch.equal(table, random_blocks(replace(draw, **change), 40, causal=False))
    assert not torch.equal(table[0], table[1])
    assert len({tuple(row) for row in table[0, 20:35].tolist()}) > 5


def test_zeros_is_the_first_block_every_time() -> None:
    draw = replace(DRAW, plan="zeros")
    assert random_blocks(draw, 12, causal=False)[:, 1:-1].eq(0).all()
    assert random_blocks(draw, 12, causal=True)[:, 1:].eq(0).all()


@PLANS
def test_nothing_touches_global_chance(plan: Plan) -> None:
    def states() -> tuple[object, ...]:
        return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()

    before = states()
    random_blocks.__wrapped__(replace(DRAW, plan=plan), 30, causal=False)
    assert states() == before


def test_seen_blocks_are_in_order_and_an_end_in_the_window_counts_once() -> None:
    draw = replace(DRAW, count=0)
    assert seen_blocks(draw, 7, causal=False)[0, 1:-1].tolist() == [
        [-1, 0, 1, 2, 6],
        [0, 1, 2, 3, 6],
        [0, 2, 3, 4, 6],
        [0, 3, 4, 5, 6],
        [-1, 0, 4, 5, 6],
    ]
    assert seen_blocks(draw, 4, causal=True)[0].tolist() == [[-1, -1, 0], [-1, 0, 1], [0, 1, 2], [0, 2, 3]]
    drawn = seen_blocks(DRAW, 12, causal=False)[:, 5]
    assert torch.equal(drawn, drawn.sort(-1).values)
    assert drawn.shape == (3, 7)
