"""Checkpoints of EXAONE 4.0 against transformers."""

from __future__ import annotations

from .family import family_test

NONE, ALL = ["full_attention"] * 3, ["sliding_attention"] * 3
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 5e5,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
test_exaone4 = family_test(
    "exaone4",
    {},
    # positions everywhere, and nowhere
    {"sliding_window": None, "layer_types": NONE, "rope_parameters": LLAMA3},
    {"layer_types": NONE, "tie_word_embeddings": True},
    {"layer_types": ALL, "sliding_window_pattern": "LLLG"},
)
