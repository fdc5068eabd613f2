"""Checkpoints of Seed-OSS against transformers."""

from __future__ import annotations

from .family import family_test

test_seed_oss = family_test("seed_oss", {}, {"attention_bias": False, "attention_out_bias": True, "mlp_bias": True})
