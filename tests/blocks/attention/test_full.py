"""Full attention against loops over heads and tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.attention import FullAttention
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask, Prefix
from blocks.norm import LayerNorm, RMSNorm
from blocks.position import Alibi, Position, Rotary, Shaw

from .full_reference import DIM, HEADS, N, make, slow, turned
from .reference import mix, project

Agree = Callable[..., None]


OPTIONS: list[dict[str, Any]] = [
    {},
    {"bias": False},
    {"kv_heads": 1},
    {"kv_heads": 2},
    {"head_dim": 5},
    {"scale": 1.0},
    {"qk_norm": RMSNorm},
    {"softcap": 0.7},
    {"gate": True},
    {"sub_norm": LayerNorm, "gate": True, "head_dim": 5},
    {"bias": ["query", "value"]},
    {"bias": ["out", "gate"], "gate": True},
    {"qk_norm": RMSNorm, "qk_norm_over": "each_head", "kv_heads": 2},
    {"qk_norm": LayerNorm, "qk_norm_over": "projection", "kv_heads": 2},
    {"clip": 0.4, "qk_norm": RMSNorm},
    {"sinks": True},
    {"sinks": True, "softcap": 0.7},
    {"sinks": True, "kv_heads": 2, "head_dim": 5, "scale": 0.4},
    {"kv_heads": 2, "qk_norm": RMSNorm, "softcap": 2.0, "gate": True, "head_dim": 6, "scale": 0.3, "bias": False},
]


@pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_is_the_formula(agree: Agree, options: dict[str, Any], mask: Mask) -> None:
    attention, x = make(**options), torch.randn(2, N, DIM, dtype=torch.float64)
    causal = isinstance(mask, Causal)
    agree(
        attention,
        lambda t: attention(t, mask=mask),
        lambda t: slow(attention, t, t, lambda r, i, j: j <= i or not causal),
        x,
    )


@pytest.mark.parametrize("window", [1, 2, 3, 4, 6, 20])
def test_a_causal_window_is_the_token_and_those_before_it(agree: Agree, window: int) -> None:
    attention, x = make(window=window), torch.randn(2, N, DIM, dtype=torch.float64)
    agree(
        attention,
        lambda t: attention(t, mask=Causal()),
        lambda t: slow(attention, t, t, lambda r, i, j: 0 <= i - j < window),
        x,
    )


@pytest.mark.parametrize("window", [1, 2, 4, 6, 20])
def test_a_window_to_both_sides_has_half_on_each(agree: Agree, window: int) -> None:
    attention, x = make(window=window), torch.randn(2, N, DIM, dtype=torch.float64)
    agree(
        attention,
        lambda t: attention(t, mask=Full()),
        lambda t: slow(attention, t, t, lambda r, i, j: abs(i - j) <= window // 2),
        x,
    )


def test_biases_stand_where_they_are_named() -> None:
    attention = make(bias=["query", "out"], gate=True)
    assert attention.gate is not None
    there = {n for n in ("query", "key", "value", "gate", "out") if attention.get_submodule(n).bias is not None}
    assert there == {"query", "out"}


@pytest.mark.parametrize("first", [False, True])
def test_the_norm_stands_before_or_after_the_turn(agree: Agree, first: bool) -> None:
    # unequal weights do not commute with a rotation
    attention = make(head_dim=6, qk_norm=RMSNorm, rotate_first=first)
    position, x = Rotary(6), torch.randn(1, N, DIM, dtype=torch.float64)
    turn = turned(6)

    def by_hand(t: Tensor) -> Tensor:
        rows = []
        for i in range(N):
            heads = []
            for h in range(HEADS):
                q, k = (
                    [
                        norm(turn(project(t[0, j], linear, h, 6), j))
                        if first
                        else turn(norm(project(t[0, j], linear, h, 6)), j)
                        for j in range(N)
                    ]
                    for norm, linear in ((attention.q_norm, attention.query), (attention.k_norm, attention.key))
                )
                scores = [q[i] @ k[j] * attention.scale for j in range(N)]
                heads.append(mix(scores, [project(t[0, j], attention.value, h, 6) for j in range(N)], 6, t))
            rows.append(attention.out(torch.cat(heads)))
        return torch.stack(rows).unsqueeze(0)

    agree(attention, lambda t: attention(t, position=position), by_hand, x)


@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)
def test_rotary_turns_queries_and_keys_after_their_norm(agree: Agree, mask: Mask, window: int | None) -> None:
    attention = make(head_dim=6, qk_norm=RMSNorm, window=window)
    position, x = Rotary(6), torch.randn(1, N, DIM, dtype=torch.float64)
    reach = (N if window is None else window - 1, 0) if mask == Causal() else (N if window is None else 2,) * 2
    agree(
        attention,
        lambda t: attention(t, mask=mask, position=position),
        lambda t: slow(attention, t, t, lambda r, i, j: -reach[0] <= j - i <= reach[1], rotate=turned(6)),
        x,
    )


@pytest.mark.parametrize("window", [None, 4])
def test_alibi_is_added_after_scaling_and_capping(agree: Agree, window: int | None) -> None:
    attention = make(softcap=1.5, window=window)
    position, x = Alibi(HEADS).double(), torch.randn(1, N, DIM, dtype=torch.float64)
    agree(
        attention,
        lambda t: attention(t, mask=Causal(), position=position),
        lambda t: slow(
            attention,
            t,
            t,
            lambda r, i, j: 0 <= i - j < (window or N),
            bias=lambda h, i, j: -(2 ** (-8 * (h + 1) / HEADS)) * abs(i - j),
        ),
        x,
    )


@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)
def test_shaw_adds_to_keys_and_values_before_scaling(agree: Agree, mask: Mask, window: int | None) -> None:
    attention, position = make(window=window), Shaw(3, clip=2).double()
    assert position.values is not None
    keys, values = position.keys.weight, position.values.weight
    x = torch.randn(1, N, DIM, dtype=torch.float64)
    reach = (N if window is None else window - 1, 0) if mask == Causal() else (N if window is None else 2,) * 2

    def by_hand(t: Tensor) -> Tensor:
        out = []
        for i in range(N):
            heads = []
            for h in range(HEADS):
                q, scores, vectors = project(t[0, i], attention.query, h, 3), [], []
                for j in range(max(0, i - reach[0]), min(N, i + reach[1] + 1)):
                    row = max(-2, min(2, j - i)) + 2
                    scores.append(q @ (project(t[0, j], attention.key, h, 3) + keys[row]) * attention.scale)
                    vectors.append(project(t[0, j], attention.value, h, 3) + values[row])
                heads.append(mix(scores, vectors, 3, t))
            out.append(attention.out(torch.cat(heads)))
        return torch.stack(out).unsqueeze(0)

    agree(attention, lambda t: attention(t, mask=mask, position=position), by_hand, x)
    grads = torch.autograd.grad(attention(x, mask=mask, position=position).sum(), list(position.parameters()))
    for mine, right in zip(grads, torch.autograd.grad(by_hand(x).sum(), list(position.parameters())), strict=True):
        torch.testing.assert_close(mine, right, rtol=1e-9, atol=1e-9)


def test_padding_packed_documents_and_a_prefix(agree: Agree) -> None:
    attention, x = make(kv_heads=2), torch.randn(2, N, DIM, dtype=torch.float64)
    valid = torch.tensor([[False, False, True, True, True, True, True], [True] * 5 + [False] * 2])
    segment = torch.tensor([[0, 0, 0, 0, 1, 1, 1]])
    prefix = torch.tensor([[False, False, True, True, True, False, False]])
    at = Coords.of(N, valid=valid, segment=segment, prefix=prefix)

    def sees(r: int, i: int, j: int) -> bool:
        return bool(valid[r, j] and segment[0, i] == segment[0, j] and (j <= i or prefix[0, j]))

    agree(
        attention,
        lambda t: attention(t, at, mask=Causal() | Prefix()),
        lambda t: slow(attention, t, t, sees),
        x,
    )


def test_reads_another_stream(agree: Agree) -> None:
    attention, x = make(kv_heads=2), torch.randn(2, 3, DIM, dtype=torch.float64)
    source = torch.randn(2, 5, DIM, dtype=torch.float64)
    valid = torch.tensor([[True] * 5, [True, True, False, False, False]])
    agree(
        attention,
        lambda t: attention(t, source=source, source_at=Coords.of(5, valid=valid)),
        lambda t: slow(attention, t, source, lambda r, i, j: bool(valid[r, j])),
        x,
    )


def test_dropout_acts_on_the_weights_in_training_only() -> None:
    attention, x = make(dropout=0.5), torch.randn(2, N, DIM, dtype=torch.float64)
    assert torch.equal(attention(x), attention(x))
    attention.train()
    assert not torch.equal(attention(x), attention(x))
    # with one token the only weight is 1 or dropped: twice the value, or none
    one = x[:, :1]
    value = attention.out.weight @ attention.value(one)[0, 0] * 2 + attention.out.bias
    outs = torch.stack([attention(one[:1])[0, 0] for _ in range(60)])
    heads_kept = (outs - value).abs().amax(-1) < 1e-9
    heads_lost = (outs - attention.out.bias).abs().amax(-1) < 1e-9
    assert heads_kept.any()
    assert heads_lost.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"kv_heads": 3}, "4 heads cannot share 3 key-value heads evenly")],
)
def test_refuses_what_cannot_be_split(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**options)
    with pytest.raises(ValueError, match="a width of 10 cannot be split into 4 heads"):
        FullAttention(10, 4)


def test_a_window_does_not_read_another_stream() -> None:
    attention, x = make(window=4), torch.randn(1, 3, DIM, dtype=torch.float64)
    assert "cross" not in attention.provides
    with pytest.raises(ValueError, match="does not provide cross"):
        attention(x, source=x)


def test_a_window_bounds_the_cache() -> None:
    attention = make(window=4)
    cache = attention.new_cache()
    with torch.no_grad():
        for i in range(200):
            attention(torch.randn(1, 1, DIM).double(), Coords.of(1, start=i), mask=Causal(), cache=cache)
    assert cache.numbers <= 2 * 64 * DIM


def test_refuses_a_scheme_by_naming_its_hook() -> None:
    class Deaf(FullAttention):
        provides = frozenset({"bidirectional"})

    position: Position = Alibi(HEADS)
    with pytest.raises(ValueError, match=r"does not provide bias \(lets a position scheme add to the scores\)"):
        Deaf(DIM, HEADS)(torch.randn(1, 3, DIM), position=position)
