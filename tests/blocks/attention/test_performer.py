"""Performer against its features written out, and against what they estimate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.attention import Performer
from blocks.attention.performer import Norms, orthogonal_features
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask

from .reference import project

Agree = Callable[..., None]
DIM, HEADS, D = 12, 3, 4


def make(**options: Any) -> Performer:
    attention = Performer(DIM, HEADS, **options).double().eval()
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return attention


def products(attention: Performer, x: Tensor) -> tuple[Tensor, Tensor]:
    """w.x and |x|^2 / 2 of x / d^(1/4). x: [d] -> [f], []."""
    x = x / D**0.25
    return torch.stack([w @ x for w in attention.directions]), (x * x).sum() / 2


def slow(attention: Performer, x: Tensor, causal: bool, valid: Tensor | None = None) -> Tensor:
    """The feature matrix explicitly, one query at a time; x: [b n m]."""
    b, n, _ = x.shape
    valid = torch.ones(b, n, dtype=torch.bool) if valid is None else valid
    m, eps = attention.features, attention.eps
    out = []
    for r in range(b):
        heads = []
        for h in range(HEADS):
            keys = [products(attention, project(x[r, j], attention.key, h, D)) for j in range(n)]
            tops = [float(p.detach().max()) if valid[r, j] else -math.inf for j, (p, _) in enumerate(keys)]
            rows = []
            for i in range(n):
                p, half = products(attention, project(x[r, i], attention.query, h, D))
                phi_q = (torch.exp(p - half - p.max().detach()) + eps) / m**0.5
                # causal: so scaled, the 1e-6 below weighs the same for every query
                phi_q = phi_q / phi_q.sum() if causal else phi_q
                top, below = x.new_zeros(D), x.new_zeros(())
                for j in range(i + 1 if causal else n):
                    if valid[r, j]:
                        # relative to the largest product so far, and brought to the level of the query's time
                        level = max(tops[: j + 1]) if causal else max(tops)
                        now = max(tops[: i + 1]) if causal else level
                        phi_k = (torch.exp(keys[j][0] - keys[j][1] - level) + eps) / m**0.5 * math.exp(level - now)
                        top = top + (phi_q @ phi_k) * project(x[r, j], attention.value, h, D)
                        below = below + phi_q @ phi_k
                rows.append(top / (below + (1e-6 if causal else 0)) if valid[r, : i + 1].any() or not causal else top)
            heads.append(torch.stack(rows))
        out.append(attention.out(torch.cat(heads, dim=-1)))
    return torch.stack(out)


MASKS = pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)


@MASKS
@pytest.mark.parametrize("options", [{}, {"features": 9, "eps": 0.0}, {"norms": "constant", "bias": False}], ids=str)
def test_is_the_formula(agree: Agree, options: dict[str, Any], mask: Mask) -> None:
    attention, x = make(**options), torch.randn(2, 6, DIM, dtype=torch.float64)
    agree(attention, lambda t: attention(t, mask=mask), lambda t: slow(attention, t, mask == Causal()), x)


@MASKS
def test_padding_leaves_the_sums_and_the_stabiliser(agree: Agree, mask: Mask) -> None:
    attention, x = make(), torch.randn(2, 6, DIM, dtype=torch.float64)
    valid = torch.tensor([[False, False, True, True, True, True], [True] * 4 + [False] * 2])
    x = torch.where(valid.unsqueeze(-1), x, 50.0)
    at = Coords.of(6, valid=valid)
    agree(
        attention,
        lambda t: attention(t, at, mask=mask) * valid.unsqueeze(-1),
        lambda t: slow(attention, t, mask == Causal(), valid) * valid.unsqueeze(-1),
        x,
    )


@pytest.mark.parametrize("causal", [False, True])
def test_the_features_of_padded_keys_stay_finite(causal: bool) -> None:
    attention = make()
    attention.directions *= 40
    # the visible key sets a level far below the exponents of the padded one
    k = torch.stack([torch.zeros(D).double(), attention.directions[0] * D**0.25]).expand(1, HEADS, 2, D)
    features, _ = attention.key_features(k, torch.tensor([[True, False]]), causal=causal)
    assert features.isfinite().all()


def test_the_relu_kernel_is_relu_plus_a_thousandth() -> None:
    attention, x = make(kernel="relu"), torch.randn(1, 5, DIM, dtype=torch.float64)
    q, k, v = (attention._split(part(x)) for part in (attention.query, attention.key, attention.value))
    phi_q, phi_k = ((t / D**0.25 @ attention.directions.T).clamp(min=0) + 1e-3 for t in (q, k))
    weights = phi_q @ phi_k.mT
    mixed = weights / weights.sum(-1, keepdim=True) @ v
    right = attention.out(mixed.transpose(1, 2).reshape(1, 5, DIM))
    torch.testing.assert_close(attention(x), right, rtol=1e-10, atol=1e-10)


def estimates(x: Tensor, y: Tensor, norms: Norms, draws: int) -> Tensor:
    """One estimate of exp(x.y) from each independent block of orthogonal directions."""
    w = orthogonal_features(4 * draws, 4, norms=norms).view(draws, 4, 4)
    phi = [torch.exp(w @ t - t.square().sum() / 2) for t in (x, y)]
    return (phi[0] * phi[1]).mean(-1)


@pytest.mark.parametrize("y", [(0.6, 0.2, -0.3, 0.5), (-0.6, -0.2, 0.3, 0.5), (0.3, 0.5, -0.4, 0.2)])
def test_the_estimate_of_the_softmax_kernel_is_unbiased(y: tuple[float, ...]) -> None:
    x, other = torch.tensor([0.6, 0.2, -0.3, 0.5]).double(), torch.tensor(y).double()
    found = estimates(x, other, "gaussian", 50000)
    error = float(found.std()) / len(found) ** 0.5
    assert abs(float(found.mean()) - math.exp(float(x @ other))) < 4 * error
    assert error < 0.02


def test_directions_lean_to_no_side() -> None:
    for norms in ("gaussian", "constant"):
        blocks = orthogonal_features(4 * 20000, 4, norms=norms).view(-1, 4, 4)
        assert blocks.mean(0).abs().max() < 5 * 20000**-0.5


def test_constant_norms_are_biased() -> None:
    x = torch.tensor([1.0, 0.5, -0.5, 0.8]).double()
    found = estimates(x, x, "constant", 20000)
    error = float(found.std()) / len(found) ** 0.5
    assert abs(float(found.mean()) - math.exp(float(x @ x))) > 8 * error


def test_blocks_of_directions_are_orthogonal() -> None:
    w = orthogonal_features(10, 4)
    assert w.shape == (10, 4)
    assert w.dtype == torch.float64
    for block in w.split(4):
        products = block @ block.T
        torch.testing.assert_close(products, torch.diag(products.diagonal()), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(orthogonal_features(6, 4, norms="constant").norm(dim=1), torch.full((6,), 2.0).double())


@MASKS
def test_many_features_come_close_to_softmax_attention(mask: Mask) -> None:
    attention, x = make(features=20000, eps=0.0), 0.2 * torch.randn(1, 6, DIM, dtype=torch.float64)
    q, k, v = (attention._split(part(x)) for part in (attention.query, attention.key, attention.value))
    scores = q @ k.mT / D**0.5
    if mask == Causal():
        scores = scores.masked_fill(~torch.ones(6, 6).tril().bool(), -torch.inf)
    right = attention.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(1, 6, DIM))
    torch.testing.assert_close(attention(x, mask=mask), right, rtol=0, atol=0.01)


@pytest.mark.parametrize("loudness", [1.0, 1e3])
def test_later_tokens_do_not_reach_earlier_ones_through_the_stabiliser(loudness: float) -> None:
    attention, x = make(eps=1e-2), torch.randn(1, 8, DIM, dtype=torch.float64)
    before = attention(x, mask=Causal())
    x[:, 5:] *= -loudness
    assert torch.equal(attention(x, mask=Causal())[:, :5], before[:, :5])


def test_draws_new_directions_every_so_many_training_steps_and_saves_them() -> None:
    attention, x = make(redraw=3), torch.randn(1, 4, DIM, dtype=torch.float64)
    first = attention.directions.clone()
    for _ in range(10):
        attention(x)
    assert torch.equal(attention.directions, first), "evaluation keeps the last ones"
    attention.train()
    seen = []
    for _ in range(6):
        attention(x)
        seen.append(attention.directions.clone())
    changes = [not torch.equal(a, b) for a, b in zip([first, *seen], seen, strict=False)]
    assert changes == [False, False, True, False, False, True]
    other = make(redraw=3)
    other.load_state_dict(attention.state_dict())
    assert torch.equal(other.eval()(x), attention.eval()(x))
    assert int(other.calls) == 6


def test_never_redraws_when_told_so() -> None:
    attention = make(redraw=0).train()
    first = attention.directions.clone()
    for _ in range(5):
        attention(torch.randn(1, 4, DIM, dtype=torch.float64))
    assert torch.equal(attention.directions, first)


def test_has_d_ln_d_features_unless_told() -> None:
    assert Performer(64, 2).features == int(32 * math.log(32))
    assert Performer(4, 4).features == 1
    assert Performer(16, 2, features=5).directions.shape == (5, 8)
