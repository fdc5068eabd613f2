"""Weights survive their way into the page."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from experiments.attention_maps.packing import STEPS, Packed, pack, unpack


def causal(heads: int = 3, tokens: int = 17) -> np.ndarray:
    scores = np.random.default_rng(5).normal(0, 4, (heads, tokens, tokens))
    weights = np.exp(scores) * np.tri(tokens)
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def test_within_half_a_step_and_zeros_stay_apart() -> None:
    weights = causal()
    back = unpack(pack(weights), weights.shape)
    assert np.abs(back - weights)[weights > 0.5 / STEPS].max() <= 0.5 / STEPS + 1e-9
    assert np.abs(back - weights).max() <= 1 / STEPS
    np.testing.assert_array_equal(back == 0, weights == 0)
    np.testing.assert_allclose(back.sum(-1), 1, atol=17 / STEPS)


def test_what_is_packed_twice_is_the_same() -> None:
    once = pack(causal())
    assert pack(unpack(once, (3, 17, 17))) == once


def test_ends_of_the_scale() -> None:
    weights = np.array([[[0.0, 1.0, 1e-12, 0.25]]])
    assert pack(weights).scale == pack(weights / 2).scale == pack(np.zeros((1, 1, 1))).scale == 1
    np.testing.assert_allclose(unpack(pack(weights), weights.shape), [[[0, 1, 1 / STEPS, 0.25]]], atol=0.5 / STEPS)


def test_weights_outside_0_and_1() -> None:
    """Linear attention with rotary positions has them."""
    weights = np.array([[[-1.5, 3.0, 0.0, -1e-9]]])
    packed = pack(weights)
    assert packed.scale == 3
    back = unpack(packed, weights.shape)
    np.testing.assert_allclose(back, weights, atol=3.1 / STEPS)
    np.testing.assert_array_equal(np.sign(back), np.sign(weights))


def test_a_known_text() -> None:
    """The page reads this format; it does not change by accident."""
    planes = [0x7F, 0x00, 0xFF, 0xFF, 0x01, 0xFF]
    packed = pack(np.array([[[1.0, 1 / STEPS, -1 / STEPS]]]))
    assert packed == Packed(packed.text, 1.0)
    assert list(zlib.decompress(base64.b64decode(packed.text))) == planes


def test_sparse_maps_are_small() -> None:
    weights = np.zeros((8, 200, 200), np.float32)
    weights[:, range(1, 200), range(199)] = 1
    assert len(pack(weights).text) < weights.size / 50


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        pack(np.array([[[np.nan]]]))
