"""Checkpoints of Cohere against transformers."""

from __future__ import annotations

from .family import family_test

test_cohere = family_test("cohere", {}, {"use_qk_norm": False, "attention_bias": True, "tie_word_embeddings": False})
