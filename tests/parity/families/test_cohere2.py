"""Checkpoints of Cohere 2 against transformers."""

from __future__ import annotations

from .family import family_test

test_cohere2 = family_test("cohere2", {}, {"layer_types": ["full_attention"] * 3}, {"sliding_window_pattern": 3})
