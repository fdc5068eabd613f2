"""Transformer-XL's positions against their formula, pair by pair."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from blocks.attention import FullAttention, Longformer
from blocks.coords import Coords
from blocks.masks import Causal
from blocks.position import TransformerXL

DIM, HEADS, D, N = 8, 2, 3, 6

PLACES = {
    "plain": Coords.of(N),
    "decoding": Coords.of(N, start=40),
    "left padding": Coords.of(N, valid=torch.tensor([[False, False, True, True, True, True], [True] * N])),
    "packed": Coords.of(N, segment=torch.tensor([[0, 0, 1, 1, 1, 2]])),
}


def make(**options: object) -> TransformerXL:
    scheme = TransformerXL(DIM, HEADS, D, **options).double().eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in scheme.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return scheme


def wave(distance: int) -> Tensor:
    """Sines, then cosines."""
    angles = [distance / 10000 ** (2 * i / DIM) for i in range(DIM // 2)]
    return torch.tensor([*map(math.sin, angles), *map(math.cos, angles)], dtype=torch.float64)


def by_hand(scheme: TransformerXL, q: Tensor, k: Tensor, q_at: Coords, k_at: Coords, clamp: float) -> Tensor:
    """u.k + (q + v).(W R) of every pair; keys ahead have a negative distance."""
    found = torch.zeros(len(q), HEADS, len(q_at), len(k_at), dtype=torch.float64)
    rows = []
    for b in range(len(q)):
        for h in range(HEADS):
            for i in range(len(q_at)):
                for j in range(len(k_at)):
                    distance = int(q_at.pos.expand(len(q), -1)[b, i] - k_at.pos.expand(len(q), -1)[b, j])
                    distance = int(max(-clamp, min(clamp, distance)))
                    key = scheme.key.weight[h * D : (h + 1) * D] @ wave(distance)
                    by_place = (q[b, h, i] + scheme.place.weight[h]) @ key
                    rows.append(scheme.content.weight[h] @ k[b, h, j] + by_place)
    return torch.stack(rows).reshape(found.shape)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("clamp", [None, 2])
def test_is_the_formula(place: str, clamp: int | None) -> None:
    scheme, at = make(clamp=clamp), PLACES[place]
    q, k = (torch.randn(2, HEADS, N, D, dtype=torch.float64, requires_grad=True) for _ in range(2))
    found = scheme.content_bias(q, k, at, at, None)
    right = by_hand(scheme, q, k, at, at, math.inf if clamp is None else clamp)
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)
    inputs, way = [q, k, *scheme.parameters()], torch.randn_like(found)
    for mine, reference in zip(
        torch.autograd.grad((found * way).sum(), inputs), torch.autograd.grad((right * way).sum(), inputs), strict=True
    ):
        torch.testing.assert_close(mine, reference, rtol=1e-10, atol=1e-10)


def test_what_is_hidden_costs_nothing() -> None:
    """Distances that nobody sees have no row, and change nothing."""
    scheme, at = make(), Coords.of(N)
    q, k = (torch.randn(2, HEADS, N, D, dtype=torch.float64) for _ in range(2))
    allowed = Causal().allow(at.queries(), at.keys())
    _, distances = scheme._distances(at, at, allowed)
    assert distances.tolist() == list(range(N))
    assert scheme._distances(at, at, None)[1].tolist() == list(range(1 - N, N))
    found, whole = scheme.content_bias(q, k, at, at, allowed), scheme.content_bias(q, k, at, at, None)
    torch.testing.assert_close(found.masked_fill(~allowed, 0), whole.masked_fill(~allowed, 0), rtol=1e-12, atol=1e-12)


def test_any_kind_that_shows_its_products() -> None:
    """A window as wide as the text is full attention, and one scale stands before the whole score."""
    x, scheme = torch.randn(1, N, DIM, dtype=torch.float64), TransformerXL(DIM, HEADS, DIM // HEADS).double()
    full = FullAttention(DIM, HEADS).double().eval()
    wide = Longformer(DIM, HEADS, window=2 * N, global_tokens=0).double().eval()
    wide.load_state_dict(full.state_dict(), strict=False)
    out = full(x, position=scheme)
    torch.testing.assert_close(wide(x, position=scheme), out, rtol=1e-12, atol=1e-12)
    q, k, v = (f(x)[0].unflatten(-1, (HEADS, -1)).transpose(0, 1) for f in (full.query, full.key, full.value))
    scores = q @ k.mT + scheme.content_bias(q[None], k[None], Coords.of(N), Coords.of(N), None)[0]
    mixed = (scores / math.sqrt(DIM // HEADS)).softmax(-1) @ v
    torch.testing.assert_close(full.out(mixed.transpose(0, 1).flatten(1)), out[0], rtol=1e-12, atol=1e-12)


def test_layers_share_one_pair_unless_untied() -> None:
    first = TransformerXL(DIM, HEADS, D)
    second = TransformerXL(DIM, HEADS, D, first)
    assert second.content is first.content
    assert second.place is first.place
    assert second.key is not first.key
    apart = TransformerXL(DIM, HEADS, D, first, untie=True)
    assert apart.content is not first.content
    # other heads cannot share
    assert TransformerXL(DIM, 2 * HEADS, D, first).content.weight.shape == (2 * HEADS, D)


def test_dropout_in_training_only() -> None:
    scheme, at = make(dropout=0.5), Coords.of(N)
    q, k = (torch.randn(1, HEADS, N, D, dtype=torch.float64) for _ in range(2))
    once = scheme.content_bias(q, k, at, at, None)
    assert torch.equal(once, scheme.content_bias(q, k, at, at, None))
    scheme.train()
    assert not torch.allclose(once, scheme.content_bias(q, k, at, at, None))


def test_odd_width() -> None:
    with pytest.raises(ValueError, match="needs an even width, got 7"):
        TransformerXL(7, 1, 7)
