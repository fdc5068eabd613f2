"""Checkpoints of Granite against transformers."""

from __future__ import annotations

from .family import family_test

test_granite = family_test("granite", {}, {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True})
