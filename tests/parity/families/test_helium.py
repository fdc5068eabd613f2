"""Checkpoints of Helium against transformers."""

from __future__ import annotations

from .family import family_test

test_helium = family_test("helium", {}, {"attention_bias": True, "mlp_bias": True})
