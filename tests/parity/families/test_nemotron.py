"""Checkpoints of Nemotron against transformers."""

from __future__ import annotations

from .family import family_test

test_nemotron = family_test(
    "nemotron", {}, {"head_dim": None, "hidden_size": 32, "attention_bias": True, "mlp_bias": True}
)
