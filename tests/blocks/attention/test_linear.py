"""Linear attention from the whole matrix of feature products."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from blocks.attention import LinearAttention
from blocks.attention.feature_sums import LinearCache
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask, Window
from blocks.position import Rotary

from .reference import project

Agree = Callable[..., None]
DIM, HEADS, D = 12, 3, 4


def phi(x: Tensor) -> Tensor:
    """elu + 1, written out."""
    return torch.where(x > 0, x + 1, torch.exp(torch.clamp(x, max=0)))


def make(bias: bool = True) -> LinearAttention:
    attention = LinearAttention(DIM, HEADS, bias=bias).double().eval()
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return attention


def slow(
    attention: LinearAttention,
    x: Tensor,
    source: Tensor,
    sees: Callable[[int, int, int], bool],
    turn: Callable[[Tensor, int], Tensor] = lambda t, i: t,
) -> Tensor:
    """Equation 5 of the paper with the authors' 1e-6 in the denominator."""
    rows = []
    for r in range(len(x)):
        for i in range(x.shape[1]):
            heads = []
            for h in range(HEADS):
                q = phi(project(x[r, i], attention.query, h, D))
                top, below = x.new_zeros(D), x.new_zeros(())
                for j in range(source.shape[1]):
                    if sees(r, i, j):
                        k = phi(project(source[r, j], attention.key, h, D))
                        top = top + (turn(q, i) @ turn(k, j)) * project(source[r, j], attention.value, h, D)
                        below = below + q @ k
                heads.append(top / (below + 1e-6))
            rows.append(attention.out(torch.cat(heads)))
    return torch.stack(rows).reshape(*x.shape[:2], -1)


@pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_is_the_formula(agree: Agree, bias: bool, mask: Mask) -> None:
    attention, x = make(bias), torch.randn(2, 7, DIM, dtype=torch.float64)
    causal = mask == Causal()
    agree(
        attention,
        lambda t: attention(t, mask=mask),
        lambda t: slow(attention, t, t, lambda r, i, j: j <= i or not causal),
        x,
    )


@pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)
def test_padding_leaves_numerator_and_denominator(agree: Agree, mask: Mask) -> None:
    attention, x = make(), torch.randn(2, 6, DIM, dtype=torch.float64)
    valid = torch.tensor([[False, False, True, True, True, True], [True] * 4 + [False] * 2])
    at, causal = Coords.of(6, valid=valid), mask == Causal()
    agree(
        attention,
        lambda t: attention(t, at, mask=mask),
        lambda t: slow(attention, t, t, lambda r, i, j: bool(valid[r, j]) and (j <= i or not causal)),
        x,
    )


@pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)
def test_rotary_turns_the_numerator_only(agree: Agree, mask: Mask) -> None:
    attention, x = make(), torch.randn(2, 6, DIM, dtype=torch.float64)
    position, causal = Rotary(D), mask == Causal()

    def turn(t: Tensor, i: int) -> Tensor:
        at = Coords.of(1, start=i)
        return position.rotate(t.view(1, 1, 1, D), at, "query").view(D)

    agree(
        attention,
        lambda t: attention(t, mask=mask, position=position),
        lambda t: slow(attention, t, t, lambda r, i, j: j <= i or not causal, turn),
        x,
    )


def test_reads_another_stream(agree: Agree) -> None:
    attention, x = make(), torch.randn(2, 3, DIM, dtype=torch.float64)
    source = torch.randn(2, 5, DIM, dtype=torch.float64)
    valid = torch.tensor([[True] * 5, [True, True, False, False, False]])
    agree(
        attention,
        lambda t: attention(t, source=source, source_at=Coords.of(5, valid=valid)),
        lambda t: slow(attention, t, source, lambda r, i, j: bool(valid[r, j])),
        x,
    )


def test_decoding_takes_constant_memory() -> None:
    attention = make()
    cache = attention.new_cache()
    assert isinstance(cache, LinearCache)
    sizes = set()
    with torch.no_grad():
        for i in range(20):
            attention(torch.randn(1, 1, DIM).double(), Coords.of(1, start=i), mask=Causal(), cache=cache)
            sizes.add(cache.numbers)
    assert sizes == {HEADS * D * (D + 1)}


def test_refuses_a_mask_that_sums_cannot_obey() -> None:
    attention, x = make(), torch.randn(1, 4, DIM, dtype=torch.float64)
    with pytest.raises(ValueError, match="does not provide window"):
        attention(x, mask=Causal() & Window(2, 0))
    with pytest.raises(ValueError, match=r"attention 'linear' cannot obey the mask Either"):
        attention(x, mask=Causal() | Window(2, 0))


@pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)
@pytest.mark.parametrize("position", [None, Rotary(D)], ids=["plain", "rotary"])
def test_its_weights_are_what_it_mixes_by(position: Rotary | None, mask: Mask) -> None:
    attention, x = make(), torch.randn(2, 6, DIM, dtype=torch.float64)
    at = Coords.of(6, valid=torch.tensor([[False, False, True, True, True, True], [True] * 6]))
    weights = attention.weights(x, at, mask=mask, position=position)
    mixed = (weights @ attention._split(attention.value(x))).transpose(1, 2).reshape(2, 6, DIM)
    torch.testing.assert_close(attention(x, at, mask=mask, position=position), attention.out(mixed), rtol=0, atol=1e-12)
    if position is None:
        seen = weights[1].sum(-1)
        torch.testing.assert_close(seen, torch.ones_like(seen), rtol=0, atol=1e-5)
