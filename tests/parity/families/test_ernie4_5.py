"""Checkpoints of ERNIE 4.5 against transformers."""

from __future__ import annotations

from .family import family_test

test_ernie4_5 = family_test(
    "ernie4_5",
    {},
    {"use_bias": True, "tie_word_embeddings": False, "num_key_value_heads": None},
)
