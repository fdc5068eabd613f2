"""Checkpoints of Qwen 3 against transformers."""

from __future__ import annotations

from .family import family_test

test_qwen3 = family_test(
    "qwen3",
    {},
    {"use_sliding_window": False, "attention_bias": True},
    {"tie_word_embeddings": True, "num_key_value_heads": 4},
)
