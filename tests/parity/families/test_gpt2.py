"""Checkpoints of GPT-2 against transformers."""

from __future__ import annotations

from .family import family_test

test_gpt2 = family_test("gpt2", {}, {"n_inner": None, "activation_function": "relu", "tie_word_embeddings": False})
