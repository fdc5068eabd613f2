"""Checkpoints of the first GPT against transformers."""

from __future__ import annotations

from .family import family_test

test_openai_gpt = family_test("openai_gpt", {}, {"afn": "relu", "tie_word_embeddings": False})
