"""Full attention against loops over heads and tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from einops import rearrange, repeat
from torch import Tensor

from blocks.attention import FullAttention
from blocks.attention.heads import HeadNorms, WholeNorm
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask, Prefix
from blocks.norm import LayerNorm, RMSNorm
from blocks.position import Alibi, EveryLayer, Position, Rotary, Shaw

from .reference import mix, project

Agree = Callable[..., None]
DIM, HEADS, N = 12, 4, 7


def make(**options: Any) -> FullAttention:
    attention = FullAttention(DIM, HEADS, **options).double().eval()
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return attention


def head_of(attention: FullAttention, side: str, x: Tensor, head: int) -> Tensor:
    """One head's query, key or value of one token, clipped and normed. x: [m] -> [d]."""
    d, linear = attention.head_dim, getattr(attention, side)
    groups = linear.out_features // d
    cut = attention.clip or math.inf
    heads = [project(x, linear, h, d).clamp(-cut, cut) for h in range(groups)]
    norm = getattr(attention, {"query": "q_norm", "key": "k_norm"}.get(side, ""), None)
    if isinstance(norm, WholeNorm):
        whole = norm.norm(torch.cat(heads))
        return whole[head * d : (head + 1) * d]
    if isinstance(norm, HeadNorms):
        return norm.norms[head](heads[head])
    return heads[head] if norm is None else norm(heads[head])


def slow(
    attention: FullAttention,
    x: Tensor,
    source: Tensor,
    sees: Callable[[int, int, int], bool],
    rotate: Callable[[Tensor, int], Tensor] = lambda t, i: t,
    bias: Callable[[int, int, int], float] = lambda h, i, j: 0.0,
) -> Tensor:
    """Row by row, token by token, head by head. x: [b n m]; source: [b k m]; sees: (row, query, key)."""
    d, group = attention.head_dim, HEADS // attention.kv_heads
    rows = []
    for r in range(len(x)):
        for i in range(x.shape[1]):
            heads = []
            for h in range(HEADS):
                q = rotate(head_of(attention, "query", x[r, i], h), i)
                scores, values = [], []
                for j in range(source.shape[1]):
                    if sees(r, i, j):
                        k = rotate(head_of(attention, "key", source[r, j], h // group), j)
                        score = (q * k).sum() * attention.scale
                        if attention.softcap is not None:
                            score = attention.softcap * torch.tanh(score / attention.softcap)
                        scores.append(score + bias(h, i, j))
                        values.append(head_of(attention, "value", source[r, j], h // group))
                if attention.sinks is not None:
                    scores.append(attention.sinks[h])
                    values.append(x.new_zeros(d))
                out = mix(scores, values, d, x)
                if attention.gate is not None:
                    out = out * torch.sigmoid(project(x[r, i], attention.gate, h, d))
                heads.append(out)
            rows.append(attention.out(torch.cat(heads)))
    return torch.stack(rows).reshape(*x.shape[:2], -1)


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


@pytest.mark.parametrize("softcap", [None, 0.9])
@pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)
def test_sinks_stand_beside_a_window_a_bias_and_packed_documents(
    agree: Agree, mask: Mask, softcap: float | None
) -> None:
    attention = make(window=4, sinks=True, softcap=softcap)
    position, x = Alibi(HEADS).double(), torch.randn(2, N, DIM, dtype=torch.float64)
    segment = torch.tensor([[0, 0, 0, 0, 0, 1, 1]])
    at, reach = Coords.of(N, segment=segment), (3, 0) if mask == Causal() else (2, 2)
    agree(
        attention,
        lambda t: attention(t, at, mask=mask, position=position),
        lambda t: slow(
            attention,
            t,
            t,
            lambda r, i, j: bool(segment[0, i] == segment[0, j]) and -reach[0] <= j - i <= reach[1],
            bias=lambda h, i, j: -(2 ** (-8 * (h + 1) / HEADS)) * abs(i - j),
        ),
        x,
    )


def test_a_great_sink_takes_everything_and_a_small_one_nothing() -> None:
    attention, x = make(sinks=True, bias=False), torch.randn(1, N, DIM, dtype=torch.float64)
    assert attention.sinks is not None
    attention.sinks.data.fill_(80.0)
    assert attention(x).abs().max() < 1e-12
    attention.sinks.data.fill_(-80.0)
    plain = make(bias=False)
    plain.load_state_dict({k: v for k, v in attention.state_dict().items() if k != "sinks"})
    torch.testing.assert_close(attention(x), plain(x), rtol=1e-12, atol=1e-12)


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


@pytest.mark.parametrize("cross", [False, True])
def test_marks_reach_queries_and_keys_but_not_values(agree: Agree, cross: bool) -> None:
    attention, x = make(kv_heads=2, gate=True), torch.randn(2, N, DIM, dtype=torch.float64)
    position = EveryLayer(DIM, HEADS, 3)
    marks = position.scheme.embed(torch.zeros_like(x), Coords.of(N))
    source = torch.randn(2, 5, DIM, dtype=torch.float64) if cross else None

    def by_hand(t: Tensor) -> Tensor:
        read = t if source is None else source
        plain = FullAttention(DIM, HEADS, kv_heads=2).double()
        marked_x, marked = t + marks, read + marks[:, : read.shape[1]]
        q = rearrange(attention.query(marked_x), "b n (h d) -> b h n d", h=HEADS)
        k = repeat(attention.key(marked), "b n (g d) -> b (g r) n d", g=2, r=2)
        v = repeat(attention.value(read), "b n (g d) -> b (g r) n d", g=2, r=2)
        out = (q @ k.mT * plain.scale).softmax(-1) @ v
        assert attention.gate is not None
        return attention.out(rearrange(out, "b h n d -> b n (h d)") * attention.gate(t).sigmoid())

    agree(attention, lambda t: attention(t, position=position, source=source), by_hand, x)


WEIGHED: list[dict[str, Any]] = [
    {},
    {"window": 4},
    {"softcap": 0.8, "kv_heads": 2},
    {"sinks": True},
    {"sinks": True, "window": 2, "softcap": 0.8},
]


@pytest.mark.parametrize("scheme", [None, "rotary", "alibi", "shaw"])
@pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)
@pytest.mark.parametrize("options", WEIGHED, ids=str)
def test_weights_times_values_are_the_output(options: dict[str, Any], mask: Mask, scheme: str | None) -> None:
    attention, x = make(head_dim=4, **options), torch.randn(2, N, DIM, dtype=torch.float64)
    made = {"rotary": Rotary(4), "alibi": Alibi(HEADS), "shaw": Shaw(4, clip=2, values=False)}
    position = None if scheme is None else made[scheme].double()
    at = Coords.of(N, valid=torch.tensor([[False] * 2 + [True] * 5, [True] * 7]))
    before = attention(x, at, mask=mask, position=position)
    weights = attention.weights(x, at, mask=mask, position=position)
    values = rearrange(attention.value(x), "b n (g d) -> b g n d", d=4).repeat_interleave(
        HEADS // attention.kv_heads, 1
    )
    mixed = attention.out(rearrange(weights @ values, "b h n d -> b n (h d)"))
    torch.testing.assert_close(mixed, before, rtol=1e-9, atol=1e-9)
    assert torch.equal(attention(x, at, mask=mask, position=position), before)
    assert weights.shape == (2, HEADS, N, N)
    assert (weights[0, :, :, :2] == 0).all()


def test_weights_of_another_stream() -> None:
    attention, x = make(), torch.randn(2, 3, DIM, dtype=torch.float64)
    source = torch.randn(2, 5, DIM, dtype=torch.float64)
    weights = attention.weights(x, source=source)
    assert weights.shape == (2, HEADS, 3, 5)
    values = rearrange(attention.value(source), "b n (h d) -> b h n d", h=HEADS)
    mixed = attention.out(rearrange(weights @ values, "b h n d -> b n (h d)"))
    torch.testing.assert_close(mixed, attention(x, source=source), rtol=1e-9, atol=1e-9)


def turned(width: int) -> Callable[[Tensor, int], Tensor]:
    """Rotary positions, pair by pair."""

    def turn(t: Tensor, i: int) -> Tensor:
        out = list(t)
        for pair in range(width // 2):
            angle = i * 10000 ** (-2 * pair / width)
            a, b = t[pair], t[pair + width // 2]
            out[pair] = a * math.cos(angle) - b * math.sin(angle)
            out[pair + width // 2] = a * math.sin(angle) + b * math.cos(angle)
        return torch.stack(out)

    return turn


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
