"""Checkpoints of Mistral against transformers."""

from __future__ import annotations

from .family import family_test

test_mistral = family_test("mistral", {}, {"sliding_window": None, "head_dim": None, "tie_word_embeddings": True})
