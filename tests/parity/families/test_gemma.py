"""Checkpoints of Gemma against transformers."""

from __future__ import annotations

from .family import family_test

test_gemma = family_test("gemma", {}, {"hidden_act": "gelu", "tie_word_embeddings": False, "attention_bias": True})
