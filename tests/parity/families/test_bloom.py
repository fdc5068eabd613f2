"""Checkpoints of BLOOM against transformers."""

from __future__ import annotations

from .family import family_test

test_bloom = family_test("bloom", {}, {"tie_word_embeddings": False})
