"""Checkpoints of Gemma 3 against transformers."""

from __future__ import annotations

from .family import family_test

LINEAR = {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6}
test_gemma3 = family_test(
    "gemma3_text",
    {},
    {"rope_parameters": {"full_attention": LINEAR, "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}},
)
