"""Longformer against a dense re-statement, token by token, of section 3.1 of its paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from einops import rearrange
from torch import Tensor

from blocks.attention import Longformer
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask
from blocks.position import Alibi, Shaw

from .reference import mix, project

Agree = Callable[..., None]
DIM, HEADS, D = 12, 3, 4


def make(window: int, global_tokens: int = 1) -> Longformer:
    attention = Longformer(DIM, HEADS, window=window, global_tokens=global_tokens).double().eval()
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return attention


def dense(
    attention: Longformer,
    x: Tensor,
    window: int,
    glob: Tensor,
    *,
    valid: Tensor | None = None,
    causal: bool = False,
    bias: Callable[[int, int, int], float] = lambda h, i, j: 0.0,
) -> Tensor:
    """A local query sees its window and all global tokens, with the local projections, each key once in one softmax.

    A global query sees all valid tokens, with the global projections. glob, valid: bool [b n].
    """
    b, n, _ = x.shape
    valid = torch.ones(b, n, dtype=torch.bool) if valid is None else valid
    glob = glob & valid
    rows = []
    for r in range(b):
        for i in range(n):
            heads = []
            for h in range(HEADS):
                everywhere = bool(glob[r, i])
                query, key, value = (
                    (attention.query_global, attention.key_global, attention.value_global)
                    if everywhere
                    else (attention.query, attention.key, attention.value)
                )
                q = project(x[r, i], query, h, D) / D**0.5
                scores, values = [], []
                for j in range(n):
                    near = everywhere or abs(i - j) <= window // 2 or bool(glob[r, j])
                    if near and valid[r, j] and (j <= i or not causal):
                        scores.append(q @ project(x[r, j], key, h, D) + bias(h, i, j))
                        values.append(project(x[r, j], value, h, D))
                heads.append(mix(scores, values, D, x))
            rows.append(attention.out(torch.cat(heads)))
    return torch.stack(rows).reshape(b, n, -1)


def leading(n: int, count: int, valid: Tensor) -> Tensor:
    """The first `count` real tokens of each row."""
    return (valid.long().cumsum(1) <= count) & valid


MASKS = pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)


@MASKS
@pytest.mark.parametrize(("n", "window"), [(11, 2), (11, 4), (12, 6), (3, 8), (1, 4), (5, 30)])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_leading_tokens_are_global(agree: Agree, n: int, window: int, count: int, mask: Mask) -> None:
    attention, x = make(window, count), torch.randn(2, n, DIM, dtype=torch.float64)
    glob = leading(n, count, torch.ones(2, n, dtype=torch.bool))
    causal = mask == Causal()
    agree(attention, lambda t: attention(t, mask=mask), lambda t: dense(attention, t, window, glob, causal=causal), x)


@MASKS
def test_coordinates_name_the_global_tokens_and_rows_may_differ(agree: Agree, mask: Mask) -> None:
    attention, x = make(4), torch.randn(3, 10, DIM, dtype=torch.float64)
    glob = torch.zeros(3, 10, dtype=torch.bool)
    glob[0, [0, 5, 7]] = True
    glob[1, 9] = True
    agree(
        attention,
        lambda t: attention(t, Coords.of(10, globals=glob), mask=mask),
        lambda t: dense(attention, t, 4, glob, causal=mask == Causal()),
        x,
    )


@MASKS
@pytest.mark.parametrize("named", [False, True])
def test_padding_is_never_seen_and_never_global(agree: Agree, named: bool, mask: Mask) -> None:
    attention, x = make(4, 2), torch.randn(3, 10, DIM, dtype=torch.float64)
    valid = torch.ones(3, 10, dtype=torch.bool)
    valid[0, 6:] = False
    valid[1, :3] = False
    glob = torch.zeros(3, 10, dtype=torch.bool)
    glob[0, [2, 8]] = True
    glob[1, [1, 4, 9]] = True
    at = Coords.of(10, valid=valid, globals=glob if named else None)
    right = glob if named else leading(10, 2, valid)
    agree(
        attention,
        lambda t: attention(t, at, mask=mask) * valid.unsqueeze(-1),
        lambda t: dense(attention, t, 4, right, valid=valid, causal=mask == Causal()) * valid.unsqueeze(-1),
        x,
    )


@MASKS
def test_a_bias_is_added_to_local_and_global_scores(agree: Agree, mask: Mask) -> None:
    attention, position = make(4, 2), Alibi(2).double()
    position = Alibi(HEADS).double()
    x = torch.randn(2, 9, DIM, dtype=torch.float64)
    glob = leading(9, 2, torch.ones(2, 9, dtype=torch.bool))
    slopes = position.slopes.tolist()
    agree(
        attention,
        lambda t: attention(t, mask=mask, position=position),
        lambda t: dense(attention, t, 4, glob, causal=mask == Causal(), bias=lambda h, i, j: -slopes[h] * abs(i - j)),
        x,
    )


@MASKS
def test_a_wide_window_with_a_content_bias_is_the_same_with_any_window_that_covers_all(mask: Mask) -> None:
    x, position = torch.randn(2, 9, DIM, dtype=torch.float64), Shaw(D, clip=3).double()
    narrow, wide = make(16, 2), make(40, 2)
    wide.load_state_dict(narrow.state_dict())
    one, two = (a(x, mask=mask, position=position) for a in (narrow, wide))
    torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-10)


@MASKS
@pytest.mark.parametrize("biased", [False, True])
def test_weights_times_values_are_the_output(mask: Mask, biased: bool) -> None:
    attention, x = make(4), torch.randn(2, 10, DIM, dtype=torch.float64)
    glob, valid = torch.zeros(2, 10, dtype=torch.bool), torch.ones(2, 10, dtype=torch.bool)
    glob[0, [0, 5, 7]], glob[1, 3], valid[1, 7:] = True, True, False
    at, position = Coords.of(10, valid=valid, globals=glob), Alibi(HEADS).double() if biased else None
    weights = attention.weights(x, at, mask=mask, position=position)
    local, everywhere = (
        weights @ rearrange(linear(x), "b n (h d) -> b h n d", h=HEADS)
        for linear in (attention.value, attention.value_global)
    )
    mixed = torch.where(glob[:, None, :, None], everywhere, local)
    out = attention.out(rearrange(mixed, "b h n d -> b n (h d)"))
    right = attention(x, at, mask=mask, position=position)
    torch.testing.assert_close(out[valid], right[valid], rtol=1e-9, atol=1e-9)
    # a local query sees its window and the global tokens, nothing else
    assert (weights[0, :, 2, [6, 8, 9]] == 0).all()
    assert weights.shape == (2, HEADS, 10, 10)


def test_the_projections_of_global_tokens_are_their_own() -> None:
    attention, x = make(2), torch.randn(1, 8, DIM, dtype=torch.float64)
    before = attention(x)
    with torch.no_grad():
        attention.query_global.weight.add_(1.0)
    changed = (attention(x) - before).abs().amax(-1) > 1e-9
    assert changed.tolist() == [[True] + [False] * 7]


def test_long_inputs_never_make_a_square(agree: Agree) -> None:
    attention, x = make(8), torch.randn(1, 150, DIM, dtype=torch.float64)
    glob = torch.zeros(1, 150, dtype=torch.bool)
    glob[0, [0, 77]] = True
    found = attention(x, Coords.of(150, globals=glob))
    right = dense(attention, x, 8, glob)
    torch.testing.assert_close(found, right, rtol=1e-9, atol=1e-9)


def test_refuses_an_odd_window_and_named_globals_while_decoding() -> None:
    with pytest.raises(ValueError, match="half its window on each side: 5 is odd"):
        make(5)
    attention, x = make(4), torch.randn(1, 2, DIM, dtype=torch.float64)
    at = Coords.of(2, globals=torch.tensor([[True, False]]))
    with pytest.raises(ValueError, match="the global tokens of attention 'longformer' are the leading ones"):
        attention(x, at, mask=Causal(), cache=attention.new_cache())


def test_the_cache_holds_the_window_and_the_global_tokens() -> None:
    attention = make(4, 2)
    cache = attention.new_cache()
    with torch.no_grad():
        for i in range(150):
            attention(torch.randn(1, 1, DIM).double(), Coords.of(1, start=i), mask=Causal(), cache=cache)
    assert len(cache.local.at) == 3  # type: ignore[arg-type]
    assert len(cache.global_local.at) == len(cache.global_global.at) == 2  # type: ignore[arg-type]


def test_the_cache_counts_what_its_parts_hold() -> None:
    attention = Longformer(8, 2, window=4, global_tokens=1)
    cache = attention.new_cache()
    attention(torch.zeros(1, 3, 8), mask=Causal(), cache=cache)
    assert cache.numbers == sum(part.numbers for part in (cache.local, cache.global_local, cache.global_global)) > 0
