"""Checkpoints of StarCoder 2 against transformers."""

from __future__ import annotations

from .family import family_test

test_starcoder2 = family_test(
    "starcoder2", {}, {"use_bias": False, "sliding_window": None, "tie_word_embeddings": False}
)
