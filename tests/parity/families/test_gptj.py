"""Checkpoints of GPT-J against transformers."""

from __future__ import annotations

from .family import family_test

test_gptj = family_test("gptj", {}, {"n_inner": None, "rotary_dim": 6, "tie_word_embeddings": True})
