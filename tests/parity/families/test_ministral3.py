"""Checkpoints of Ministral 3 against transformers."""

from __future__ import annotations

from .family import family_test

LONGER = {
    "rope_type": "yarn",
    "rope_theta": 300.0,
    "factor": 4.0,
    "original_max_position_embeddings": 3,
    "llama_4_scaling_beta": 0.7,
}
test_ministral3 = family_test(
    "ministral3", {}, {"rope_parameters": LONGER}, {"sliding_window": 4, "tie_word_embeddings": True}
)
