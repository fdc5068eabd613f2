"""Checkpoints of Phi against transformers."""

from __future__ import annotations

from .family import family_test

test_phi = family_test("phi", {}, {"qk_layernorm": True, "num_key_value_heads": 1, "partial_rotary_factor": 0.25})
