"""Checkpoints of AFM against transformers."""

from __future__ import annotations

from .family import family_test

test_arcee = family_test("arcee", {}, {"attention_bias": True, "mlp_bias": True, "head_dim": None})
