"""Checkpoints of SmolLM3 against transformers."""

from __future__ import annotations

from .family import family_test

test_smollm3 = family_test(
    "smollm3",
    {},
    {"use_sliding_window": False, "sliding_window": None, "tie_word_embeddings": False},
    {"no_rope_layers": [0, 1, 1]},
)
