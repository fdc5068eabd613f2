"""Checkpoints of nanochat against transformers."""

from __future__ import annotations

from .family import family_test

test_nanochat = family_test(
    "nanochat",
    {},
    {"attention_bias": True, "tie_word_embeddings": True, "num_key_value_heads": None, "hidden_act": "silu"},
)
