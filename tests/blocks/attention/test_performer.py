"""Performer against its features written out, and against what they estimate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.attention import Performer
from blocks.attention.feature_maps import KeyContext, SoftmaxFeatures
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


def eps_of(attention: Performer) -> float:
    assert isinstance(attention.map, SoftmaxFeatures)
    return attention.map.eps


def products(attention: Performer, x: Tensor) -> tuple[Tensor, Tensor]:
    """w.x and |x|^2 / 2 of x / d^(1/4). x: [d] -> [f], []."""
    x = x / D**0.25
    return torch.stack([w @ x for w in attention.directions]), (x * x).sum() / 2


def slow(attention: Performer, x: Tensor, causal: bool, valid: Tensor | None = None) -> Tensor:
    """The feature matrix explicitly, one query at a time; x: [b n m]."""
    b, n, _ = x.shape
    valid = torch.ones(b, n, dtype=torch.bool) if valid is None else valid
    m, eps = attention.features, eps_of(attention)
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
    features, _ = attention.map.keys(k, attention.directions, KeyContext(torch.tensor([[True, False]]), causal))
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


def authors(q: Tensor, k: Tensor, v: Tensor, w: Tensor, *, causal: bool) -> Tensor:
    """The authors' JAX code, its default numbers, restated for one head. q, k, v: [n d]; w: [f d]."""
    small, d, f = 1e-6, q.shape[1], len(w)

    def features(x: Tensor, over: tuple[int, ...]) -> Tensor:
        x = x / d**0.25
        return (
            torch.exp(x @ w.T - (x * x).sum(1, keepdim=True) / 2 - (x @ w.T).amax(over, keepdim=True)) + small
        ) / f**0.5

    weights = features(q, (1,)) @ features(k, (0, 1)).T
    weights = weights.tril() if causal else weights
    total = weights.sum(1)
    return weights @ v / torch.where(total.abs() <= small, total + 2 * small, total).unsqueeze(1)


@pytest.mark.parametrize("loudness", [0.1, 6.0])
@MASKS
def test_the_numbers_of_the_authors_code(mask: Mask, loudness: float) -> None:
    options: dict[str, Any] = {"eps": 1e-6, "floor": 0.0, "guard": 1e-6, "stabiliser": "look_ahead", "bias": False}
    attention, x = make(features=9, **options), loudness * torch.randn(1, 7, DIM, dtype=torch.float64)
    q, k, v = (attention._split(part(x))[0] for part in (attention.query, attention.key, attention.value))
    heads = [authors(q[h], k[h], v[h], attention.directions, causal=mask == Causal()) for h in range(HEADS)]
    right = attention.out(torch.cat(heads, dim=-1))
    torch.testing.assert_close(attention(x, mask=mask)[0], right, rtol=0, atol=1e-9 * float(right.detach().abs().max()))
    # loud vectors leave denominators below the guard, which then all but silences the outputs
    attention.guard = 0.0
    assert torch.allclose(attention(x, mask=mask)[0], right, rtol=1e-9) == (loudness < 1)


@MASKS
def test_efficient_attention_is_its_formula(agree: Agree, mask: Mask) -> None:
    attention, x = make(kernel="none"), torch.randn(2, 6, DIM, dtype=torch.float64)
    valid = torch.tensor([[False, False, True, True, True, True], [True] * 6])
    at, causal = Coords.of(6, valid=valid), mask == Causal()

    def right(t: Tensor) -> Tensor:
        rows = []
        for r in range(2):
            q, k, v = (attention._split(part(t))[r] for part in (attention.query, attention.key, attention.value))
            real = valid[r].double()[:, None]
            phi_q, phi_k = q.softmax(-1), k.exp() * real if causal else k.masked_fill(real == 0, -1e9).softmax(1)
            weights = phi_q @ phi_k.mT
            weights = weights.tril() if causal else weights
            total = weights.sum(-1, keepdim=True) + (1e-6 if causal else 0)
            rows.append(torch.cat(list(weights @ v / total), dim=-1))
        return attention.out(torch.stack(rows)) * valid.unsqueeze(-1)

    agree(attention, lambda t: attention(t, at, mask=mask) * valid.unsqueeze(-1), right, x)


def test_efficient_attention_bears_keys_whose_exponential_is_too_large() -> None:
    attention, x = make(kernel="none"), torch.randn(1, 6, DIM, dtype=torch.float64)
    x[:, 3:] *= 1e4
    assert attention(x, mask=Causal()).isfinite().all()


def test_relu_without_directions_takes_the_vectors_themselves() -> None:
    attention, x = make(kernel="relu", features=0, eps=0.01), torch.randn(1, 5, DIM, dtype=torch.float64)
    assert attention.directions.shape == (0, D)
    q, k, v = (attention._split(part(x)) for part in (attention.query, attention.key, attention.value))
    weights = ((q / D**0.25).clamp(min=0) + 0.01) @ ((k / D**0.25).clamp(min=0) + 0.01).mT
    mixed = weights / weights.sum(-1, keepdim=True) @ v
    torch.testing.assert_close(
        attention(x), attention.out(mixed.transpose(1, 2).reshape(1, 5, DIM)), rtol=1e-10, atol=0
    )


def test_the_width_of_a_head_is_free() -> None:
    attention = Performer(DIM, HEADS, head_dim=7)
    assert attention.query.weight.shape == (21, DIM)
    assert attention.out.weight.shape == (DIM, 21)
    assert attention(torch.randn(1, 3, DIM)).shape == (1, 3, DIM)


def test_projections_have_the_biases_that_are_named() -> None:
    attention = Performer(DIM, HEADS, bias=["out"])
    assert attention.out.bias is not None
    assert attention.query.bias is attention.key.bias is attention.value.bias is None


def test_refuses_features_that_its_kernel_has_no_use_for() -> None:
    with pytest.raises(ValueError, match="kernel 'none' has no random features, yet features is 5"):
        Performer(DIM, HEADS, kernel="none", features=5)
    with pytest.raises(ValueError, match="the softmax kernel needs features"):
        Performer(DIM, HEADS, features=0)


def test_looking_ahead_is_declared_and_said() -> None:
    attention, x = make(stabiliser="look_ahead"), torch.randn(1, 4, DIM, dtype=torch.float64)
    assert "look_ahead" in attention.provides
    assert "decode" not in attention.provides
    assert "look_ahead" not in Performer.provides
    with pytest.raises(NotImplementedError, match="scales keys by later ones"):
        attention.new_cache()
    attention.new_cache(cross=True)
    attention.train()
    attention(x)
    with pytest.warns(UserWarning, match="lets later tokens reach earlier ones"):
        attention(x, mask=Causal())


def test_through_the_published_stabiliser_a_later_key_makes_eps_weigh_more() -> None:
    """The docstring's exp(c), exactly: earlier features are those with eps exp(c), times a factor that cancels."""
    torch.manual_seed(0)
    w, k, context = orthogonal_features(9, D), torch.randn(1, 1, 6, D).double(), KeyContext(None, causal=True)
    tops = (k / D**0.25 @ w.T).amax(-1)
    k[..., -1, :] *= 40
    excess = float((k[..., -1, :] / D**0.25 @ w.T).max() - tops[..., :-1].max())
    assert excess > 1
    loud, _ = SoftmaxFeatures(1e-4, look_ahead=True).keys(k, w, context)
    alone, _ = SoftmaxFeatures(1e-4 * math.exp(excess), look_ahead=True).keys(k[..., :-1, :], w, context)
    torch.testing.assert_close(loud[..., :-1, :] * math.exp(excess), alone, rtol=1e-10, atol=0)


@MASKS
@pytest.mark.parametrize("options", [{}, {"kernel": "relu"}, {"kernel": "none"}, {"stabiliser": "look_ahead"}], ids=str)
def test_its_weights_are_what_it_mixes_by(options: dict[str, Any], mask: Mask) -> None:
    attention, x = make(**options), torch.randn(2, 6, DIM, dtype=torch.float64)
    at = Coords.of(6, valid=torch.tensor([[False, False, True, True, True, True], [True] * 6]))
    weights = attention.weights(x, at, mask=mask)
    mixed = (weights @ attention._split(attention.value(x))).transpose(1, 2).reshape(2, 6, DIM)
    torch.testing.assert_close(attention(x, at, mask=mask), attention.out(mixed), rtol=0, atol=1e-12)
