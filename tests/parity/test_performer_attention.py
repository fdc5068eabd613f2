"""Performer against performer-pytorch with the same random directions."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from einops import rearrange
from torch import Tensor

from blocks.attention import Performer
from blocks.attention.feature_maps import KeyContext, SoftmaxFeatures
from blocks.attention.performer import orthogonal_features
from blocks.coords import Coords
from blocks.masks import Causal, Full

from .oracle import Oracle, bare

ORACLE = Oracle.load("performer_attention")
KERNELS = {case: about for case, about in ORACLE.meta["cases"].items() if case != "exact_softmax"}
INNER = 24


def performer(case: str, **options: Any) -> Performer:
    """The attention of a case, as published, on a stream that is [q k v]."""
    said = KERNELS[case]["options"]
    kernel = said["kernel"]
    options = {"stabiliser": "look_ahead", "eps": said.get("eps", said.get("kernel_epsilon")), **options}
    features = None if kernel == "none" else 20
    layer = Performer(
        3 * INNER, 3, head_dim=8, features=features, kernel=kernel, redraw=0, bias=False, **options
    )  # fmt: skip
    if features:
        layer.directions.copy_(ORACLE.weights["projection_matrix"])
    bare(layer, INNER)
    return layer


def stream(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """[b h n d] each -> [b n (q h d)]"""
    return rearrange(torch.stack([q, k, v]), "q b h n d -> b n (q h d)")


def heads(mixed: Tensor) -> Tensor:
    return rearrange(mixed[..., :INNER], "b n (h d) -> b h n d", h=3)


def double(t: Tensor) -> bool:
    return t.dtype == torch.float64


@pytest.mark.parametrize("case", KERNELS)
def test_performer_pytorch(case: str) -> None:
    layer = performer(case)
    q, k, v = ORACLE.inputs(case, "q", "k", "v")
    causal = KERNELS[case]["options"]["causal"]
    if q.shape == k.shape:
        got = layer(stream(q, k, v), mask=Causal() if causal else Full())
    else:
        got = layer(stream(q, q, q), source=stream(k, k, v))
    ORACLE.check(case, "out", heads(got))
    if "q_features" in KERNELS[case]["outputs"]:
        ORACLE.check(case, "q_features", layer.map.queries(q, layer.directions))
        ORACLE.check(case, "k_features", layer.map.keys(k, layer.directions, KeyContext(None, causal))[0])


@torch.no_grad()
@pytest.mark.parametrize("case", [case for case in KERNELS if case != "softmax_cross"])
def test_its_weights_are_what_it_mixes_by(case: str) -> None:
    layer = performer(case)
    q, k, v = ORACLE.inputs(case, "q", "k", "v")
    mask = Causal() if KERNELS[case]["options"]["causal"] else Full()
    weights = layer.weights(stream(q, k, v), mask=mask)
    ORACLE.check(case, "out", weights @ v)
    # nothing but the floor keeps them from summing to 1
    assert float(weights.sum(-1).max()) < 1 + 1e-5
    unfloored = performer(case, floor=0.0).weights(stream(q, k, v), mask=mask).sum(-1)
    torch.testing.assert_close(unfloored, torch.ones_like(unfloored), rtol=0, atol=1e-9 if double(q) else 1e-5)


@pytest.mark.parametrize("case", ["relu_causal", "no_projection_causal"])
def test_other_kernels_are_causal_as_published(case: str) -> None:
    q, k, v = ORACLE.inputs(case, "q", "k", "v")
    ORACLE.check(case, "out", heads(performer(case, stabiliser="running")(stream(q, k, v), mask=Causal())))


@pytest.mark.parametrize("features", [64, 256, 1024])
def test_random_features_come_as_close_to_softmax_attention(features: int) -> None:
    """Mean error of the attention matrix over 20 draws; the reference's is a little larger, as its directions lean."""
    q, k, v = ORACLE.inputs("exact_softmax", "q", "k", "v")
    exact = (q @ k.mT * 8**-0.5).softmax(-1)
    ORACLE.check("exact_softmax", "out", exact @ v)
    kernel, errors = SoftmaxFeatures(1e-4, look_ahead=False), []
    for seed in range(20):
        torch.manual_seed(seed)
        directions = orthogonal_features(features, 8).to(q.dtype)
        phi_k, _ = kernel.keys(k, directions, KeyContext(None, causal=False))
        estimate = kernel.queries(q, directions) @ phi_k.mT
        errors.append((estimate / estimate.sum(-1, keepdim=True) - exact).abs().mean())
    theirs = ORACLE.meta["mean_abs_error_of_attention_matrix_by_number_of_features"][f"{features} features, eps 0.0001"]
    assert 0.75 * theirs < float(torch.stack(errors).mean()) < 1.02 * theirs


def test_without_eps_the_stabiliser_cancels() -> None:
    """So the running stabiliser and the published one differ by nothing but where eps and the floor are added."""
    q, k, v = ORACLE.inputs("softmax_causal_long", "q", "k", "v")
    options = {"eps": 0.0, "floor": 0.0}
    running, published = (
        performer("softmax_causal_long", stabiliser=how, **options)(stream(q, k, v), mask=Causal())
        for how in ("running", "look_ahead")
    )
    torch.testing.assert_close(running, published, rtol=0, atol=1e-9 if double(q) else 1e-4)


@torch.no_grad()
def test_the_running_stabiliser_never_looks_ahead_and_the_published_one_does() -> None:
    q, k, v = ORACLE.inputs("softmax_causal", "q", "k", "v")
    louder = k.clone()
    louder[:, :, -1] *= 8
    moved = {}
    for how in ("running", "look_ahead"):
        layer = performer("softmax_causal", stabiliser=how)
        before, after = (layer(stream(q, t, v), Coords.of(11), mask=Causal())[:, :-1] for t in (k, louder))
        moved[how] = float((after - before).abs().max())
    assert moved["running"] == 0
    assert moved["look_ahead"] > 1e-3
