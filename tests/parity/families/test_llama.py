"""Checkpoints of Llama against transformers."""

from __future__ import annotations

from .family import family_test

LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 5e5,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 16}
test_llama = family_test(
    "llama",
    {},
    {"num_key_value_heads": None, "head_dim": None, "attention_bias": True, "mlp_bias": True},
    {"num_key_value_heads": 1, "tie_word_embeddings": True, "hidden_act": "gelu"},
    {"rope_parameters": LLAMA3},
    {"rope_parameters": YARN},
    {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}},
)
