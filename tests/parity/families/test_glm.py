"""Checkpoints of GLM-4 against transformers."""

from __future__ import annotations

from .family import family_test

test_glm = family_test("glm", {}, {"attention_bias": False, "tie_word_embeddings": True})
