"""Checkpoints of MPT against transformers."""

from __future__ import annotations

from .family import family_test

test_mpt = family_test("mpt", {}, {"attn_config": {"clip_qkv": 0.8, "softmax_scale": 0.3}, "n_heads": 6})
