"""What can be seen of full attention's weights, and what reaches them: sinks, marks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from einops import rearrange, repeat
from torch import Tensor

from blocks.attention import FullAttention
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask
from blocks.position import Alibi, EveryLayer, Rotary, Shaw

from .full_reference import DIM, HEADS, N, make, slow

Agree = Callable[..., None]


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
