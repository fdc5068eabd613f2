"""Checkpoints of Apertus against transformers."""

from __future__ import annotations

from .family import family_test

PLAIN = {"rope_type": "default", "rope_theta": 300.0}
test_apertus = family_test(
    "apertus",
    {},
    {"rope_parameters": PLAIN, "attention_bias": True, "tie_word_embeddings": True, "num_key_value_heads": None},
    # the reference's own scaling
    {"rope_scaling": None, "hidden_act": "relu2"},
)
