"""Performer against performer-pytorch with the same random directions."""

from __future__ import annotations

import pytest
import torch
from einops import rearrange
from torch import Tensor

from blocks.attention import Performer
from blocks.attention.linear import Features, feature_attention
from blocks.coords import Coords
from blocks.masks import Causal, Full

from .oracle import Oracle, bare

ORACLE = Oracle.load("performer_attention")
INNER = 24


def performer(kernel: str) -> Performer:
    """Three heads of 8 that matter, and six that carry [q k v] to them."""
    layer = Performer(3 * INNER, 9, features=20, kernel=kernel, redraw=0, bias=False)  # type: ignore[arg-type]
    layer.directions.copy_(ORACLE.weights["projection_matrix"])
    bare(layer, INNER)
    return layer


def stream(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """[b h n d] each -> [b n (q h d)]"""
    return rearrange(torch.stack([q, k, v]), "q b h n d -> b n (q h d)")


def heads(mixed: Tensor) -> Tensor:
    return rearrange(mixed[..., :INNER], "b n (h d) -> b h n d", h=3)


@pytest.mark.parametrize("case", ["softmax_bidirectional", "softmax_cross", "relu_bidirectional"])
def test_bidirectional(case: str) -> None:
    layer = performer(case.split("_")[0])
    q, k, v = ORACLE.inputs(case, "q", "k", "v")
    source = stream(k, k, v)
    ORACLE.check(case, "out", heads(layer(stream(q, q, q), mask=Full(), source=source)))
    ORACLE.check(case, "q_features", layer.query_features(q))
    ORACLE.check(case, "k_features", layer.key_features(k, None, causal=False)[0])


def test_the_relu_kernel_is_causal_as_published() -> None:
    layer = performer("relu")
    q, k, v = ORACLE.inputs("relu_causal", "q", "k", "v")
    ORACLE.check("relu_causal", "out", heads(layer(stream(q, k, v), mask=Causal())))


@pytest.mark.parametrize("case", ["softmax_causal", "softmax_causal_long"])
def test_prefix_sums_over_the_published_features(case: str) -> None:
    """As published, all keys share a stabiliser that looks ahead; no option of the layer does that."""
    layer = performer("softmax")
    q, k, v = ORACLE.inputs(case, "q", "k", "v")
    phi_q, phi_k = layer.query_features(q), layer.key_features(k, None, causal=False)[0]
    # its eps is added to each summed feature of the keys: q (sum k + eps) = q sum k + eps sum q
    phi_q = phi_q / phi_q.sum(-1, keepdim=True)
    ORACLE.check(case, "out", feature_attention(Features(phi_q, phi_k), v, causal=True, eps=1e-6))


def test_without_eps_the_stabiliser_cancels() -> None:
    """So the layer's running stabiliser and the published one differ by nothing but where eps is added."""
    layer = performer("softmax")
    layer.eps = 0.0
    q, k, v = ORACLE.inputs("softmax_causal_long", "q", "k", "v")
    features = Features(layer.query_features(q), layer.key_features(k, None, causal=False)[0])
    published = feature_attention(features, v, causal=True, eps=0.0)
    k_features, level = layer.key_features(k, None, causal=True)
    running = feature_attention(Features(layer.query_features(q), k_features, level=level), v, causal=True, eps=0.0)
    torch.testing.assert_close(running, published, rtol=0, atol=1e-9 if q.dtype == torch.float64 else 1e-4)


def test_the_layer_never_looks_ahead() -> None:
    layer = performer("softmax")
    q, k, v = ORACLE.inputs("softmax_causal", "q", "k", "v")
    got = layer(stream(q, k, v), Coords.of(11), mask=Causal())
    louder = k.clone()
    louder[:, :, -1] *= 8
    assert torch.equal(layer(stream(q, louder, v), Coords.of(11), mask=Causal())[:, :-1], got[:, :-1])
