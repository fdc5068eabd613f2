"""Checkpoints of OLMo 3 against transformers."""

from __future__ import annotations

from .family import family_test

YARN = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 32, "attention_factor": 1.2}
test_olmo3 = family_test("olmo3", {}, {"rope_scaling": {**YARN, "beta_fast": 4}, "attention_bias": True})
