"""Checkpoints of OLMo against transformers."""

from __future__ import annotations

from .family import family_test

test_olmo = family_test("olmo", {}, {"clip_qkv": None, "num_key_value_heads": None, "tie_word_embeddings": True})
