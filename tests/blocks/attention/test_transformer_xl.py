"""Attention with a memory against a dense re-statement, and against what a memory must not change."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.attention import FullAttention, TransformerXLAttention
from blocks.attention.cache import Cache
from blocks.coords import Coords
from blocks.masks import Causal
from blocks.position import T5, Position, Rotary, TransformerXL

Agree = Callable[..., None]
DIM, HEADS, D = 8, 2, 4
CUTS = ([12], [6, 6], [5, 1, 1, 5], [1] * 12)
SCHEMES: dict[str, Callable[[], Position | None]] = {
    "none": lambda: None,
    "transformer_xl": lambda: TransformerXL(DIM, HEADS, D),
    "rotary": lambda: Rotary(D),
    "t5": lambda: T5(HEADS, causal=True, buckets=8, max_distance=8),
}


def make(**options: Any) -> TransformerXLAttention:
    attention = TransformerXLAttention(DIM, HEADS, **options).double().eval()
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return attention


def scheme_of(name: str) -> Position | None:
    scheme = SCHEMES[name]()
    return None if scheme is None else scheme.double().eval()


def in_segments(
    attention: TransformerXLAttention, x: Tensor, cuts: Sequence[int], position: Position | None = None
) -> tuple[Tensor, Cache]:
    """The text x [b n m] as segments of these lengths."""
    cache, outs, start = attention.new_cache(), [], 0
    for piece in x.split(list(cuts), dim=1):
        at = Coords.of(piece.shape[1], start=start)
        outs.append(attention(piece, at, mask=Causal(), position=position, cache=cache))
        start += piece.shape[1]
    return torch.cat(outs, 1), cache


def dense(attention: TransformerXLAttention, x: Tensor, memory: Tensor, position: TransformerXL | None) -> Tensor:
    """One segment after `memory` [b k m], row by row: the memory is a constant whose keys the weights make now."""
    seen = torch.cat([memory.detach(), x], 1)
    first = memory.shape[1]
    q, k, v = (
        f(t).unflatten(-1, (HEADS, D))
        for f, t in ((attention.query, x), (attention.key, seen), (attention.value, seen))
    )
    rows = []
    for b in range(len(x)):
        for i in range(x.shape[1]):
            own = first + i
            lowest = max(0, own - attention.memory + 1) if attention.same_length else 0
            keys = torch.arange(lowest, own + 1)
            heads = []
            for h in range(HEADS):
                scores = k[b, keys, h] @ q[b, i, h]
                if position is not None:
                    here, there = Coords.of(1, start=own), Coords.of(len(keys), start=lowest)
                    pair = q[b, i, h].expand(1, HEADS, 1, D), k[b, keys, h].expand(1, HEADS, -1, D)
                    scores = scores + position.content_bias(*pair, here, there, None)[0, h, 0]
                heads.append((scores / D**0.5).softmax(-1) @ v[b, keys, h])
            rows.append(torch.cat(heads))
    return attention.out(torch.stack(rows).reshape(x.shape))


@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.parametrize("start", ["empty", "zeros"])
@pytest.mark.parametrize("same_length", [False, True])
def test_is_the_dense_formula(same_length: bool, start: str, placed: bool, agree: Agree) -> None:
    """Outputs and gradients of three segments, of which the memory holds less than one."""
    attention = make(memory=4, same_length=same_length, start=start, bias=True)
    position = TransformerXL(DIM, HEADS, D).double() if placed else None

    def slow(x: Tensor) -> Tensor:
        memory = x.new_zeros(2, 4 if start == "zeros" else 0, DIM)
        outs = []
        for piece in x.split([5, 3, 4], dim=1):
            outs.append(dense(attention, piece, memory, position))
            memory = torch.cat([memory, piece], 1)[:, -4:]
        return torch.cat(outs, 1)

    def fast(x: Tensor) -> Tensor:
        return in_segments(attention, x, [5, 3, 4], position)[0]

    agree(
        torch.nn.ModuleList([attention, *([position] if position else [])]),
        fast,
        slow,
        torch.randn(2, 12, DIM).double(),
    )


@pytest.mark.parametrize("cuts", CUTS, ids=str)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_memory_that_covers_the_past_is_one_long_pass(scheme: str, cuts: list[int]) -> None:
    attention, position = make(memory=12), scheme_of(scheme)
    x = torch.randn(2, 12, DIM).double()
    whole = attention(x, mask=Causal(), position=position)
    torch.testing.assert_close(in_segments(attention, x, cuts, position)[0], whole, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("cuts", CUTS, ids=str)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("start", ["empty", "zeros"])
def test_same_length_is_a_window(start: str, scheme: str, cuts: list[int]) -> None:
    """Of as many keys as the memory holds, however the text is cut."""
    attention, position = make(memory=4, same_length=True, start=start), scheme_of(scheme)
    full = FullAttention(DIM, HEADS, window=4, bias=False).double().eval()
    full.load_state_dict(attention.state_dict())
    x = torch.randn(2, 12, DIM).double()
    zeros = 4 if start == "zeros" else 0
    text = torch.cat([x.new_zeros(2, zeros, DIM), x], 1)
    whole = full(text, mask=Causal(), position=position)[:, zeros:]
    torch.testing.assert_close(in_segments(attention, x, cuts, position)[0], whole, rtol=1e-10, atol=1e-10)


def test_without_same_length_a_segment_sees_all_of_itself() -> None:
    attention, full = make(memory=4), FullAttention(DIM, HEADS, bias=False).double().eval()
    full.load_state_dict(attention.state_dict())
    x = torch.randn(2, 12, DIM).double()
    torch.testing.assert_close(attention(x, mask=Causal()), full(x, mask=Causal()), rtol=1e-12, atol=1e-12)


def test_remembers_inputs_and_no_more_than_it_should() -> None:
    attention, x = make(memory=5), torch.randn(2, 12, DIM).double()
    _, cache = in_segments(attention, x, [4, 5, 3])
    assert cache.x is not None  # type: ignore[attr-defined]
    torch.testing.assert_close(cache.x, x[:, -5:])  # type: ignore[attr-defined]
    assert cache.at.index.tolist() == [[7, 8, 9, 10, 11]]  # type: ignore[attr-defined]
    assert cache.numbers == 2 * 5 * DIM


def test_the_memory_is_projected_by_the_weights_of_the_moment() -> None:
    """They learn from it; what was remembered does not."""
    attention, x = make(memory=6), torch.randn(2, 8, DIM).double().requires_grad_()
    first, second = x.split(4, dim=1)
    cache = attention.new_cache()
    attention(first, mask=Causal(), cache=cache)
    again = copy.deepcopy(cache)
    with torch.no_grad():
        attention.value.weight.mul_(2.0)
    out = attention(second, Coords.of(4, start=4), mask=Causal(), cache=cache)
    held = dense(attention, second, first, None)
    torch.testing.assert_close(out, held, rtol=1e-12, atol=1e-12)
    # a token of zeros has no value of its own to learn from
    silent = attention(torch.zeros_like(second[:, :1]), Coords.of(1, start=4), mask=Causal(), cache=again)
    gradient, back = torch.autograd.grad(silent.sum(), [attention.value.weight, x], allow_unused=True)
    assert gradient.abs().max() > 1e-3
    assert back is None


@pytest.mark.parametrize("start", ["empty", "zeros"])
def test_shows_weights_over_the_memory_and_leaves_it_alone(start: str) -> None:
    attention, x = make(memory=6, start=start), torch.randn(2, 8, DIM).double()
    position = TransformerXL(DIM, HEADS, D).double()
    cache = attention.new_cache()
    attention(x[:, :4], mask=Causal(), position=position, cache=cache)
    before = cache.x.clone()  # type: ignore[attr-defined]
    at, zeros = Coords.of(4, start=4), 2 if start == "zeros" else 0
    weights = attention.weights(x[:, 4:], at, mask=Causal(), position=position, cache=cache)
    assert torch.equal(cache.x, before)  # type: ignore[attr-defined]
    assert weights.shape == (2, HEADS, 4, zeros + 8)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, HEADS, 4).double())
    # the first of the segment does not see the three after it
    assert not weights[:, :, 0, -3:].any()
    values = attention.value(torch.cat([x.new_zeros(2, zeros, DIM), x], 1)).unflatten(-1, (HEADS, D))
    mixed = torch.einsum("bhqk, bkhd -> bqhd", weights, values).flatten(2)
    out = attention(x[:, 4:], at, mask=Causal(), position=position, cache=cache)
    torch.testing.assert_close(attention.out(mixed), out, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("start", ["empty", "zeros"])
@pytest.mark.parametrize("scheme", ["transformer_xl", "rotary"])
def test_segments_may_count_from_zero(scheme: str, start: str) -> None:
    """For schemes that see distances alone."""
    attention, position = make(memory=6, start=start), scheme_of(scheme)
    x = torch.randn(2, 12, DIM).double()
    whole, _ = in_segments(attention, x, [3, 5, 4], position)
    cache, outs = attention.new_cache(), []
    for piece in x.split([3, 5, 4], dim=1):
        outs.append(attention(piece, mask=Causal(), position=position, cache=cache))
        cache.count_from(piece.shape[1])  # type: ignore[attr-defined]
    torch.testing.assert_close(torch.cat(outs, 1), whole, rtol=1e-9, atol=1e-9)
    assert cache.at.pos.tolist() == [[-6, -5, -4, -3, -2, -1]]  # type: ignore[attr-defined]


def test_a_memory_can_be_saved() -> None:
    attention, x = make(memory=6, start="zeros"), torch.randn(2, 8, DIM).double()
    _, cache = in_segments(attention, x[:, :4], [4])
    cache.count_from(4)  # type: ignore[attr-defined]
    file = io.BytesIO()
    torch.save(cache.state_dict(), file)  # type: ignore[attr-defined]
    file.seek(0)
    restored = attention.new_cache()
    restored.load_state_dict(torch.load(file, weights_only=True))  # type: ignore[attr-defined]
    one, other = (attention(x[:, 4:], mask=Causal(), cache=held) for held in (cache, restored))
    assert torch.equal(one, other)


def test_says_what_its_options_cost() -> None:
    usual = TransformerXLAttention.provides
    assert {"memory", "decode", "weights", "causal"} <= usual
    assert not usual & {"cross", "bidirectional"}
    assert make(start="zeros").provides == usual - {"window", "weights", "decode"}
    assert make(same_length=True).provides == usual - {"prefix"}
    with pytest.raises(NotImplementedError):
        make().new_cache(cross=True)
