"""Checkpoints of GPT-NeoX against transformers."""

from __future__ import annotations

from .family import family_test

test_gpt_neox = family_test(
    "gpt_neox",
    {},
    {"use_parallel_residual": False, "tie_word_embeddings": True, "attention_bias": False, "rotary_pct": 0.25},
)
