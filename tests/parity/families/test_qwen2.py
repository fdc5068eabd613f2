"""Checkpoints of Qwen 2 against transformers."""

from __future__ import annotations

from .family import family_test

YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 16}
test_qwen2 = family_test(
    "qwen2", {}, {"use_sliding_window": False, "tie_word_embeddings": True, "rope_parameters": YARN}
)
