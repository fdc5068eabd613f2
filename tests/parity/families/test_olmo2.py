"""Checkpoints of OLMo 2 against transformers."""

from __future__ import annotations

from .family import family_test

test_olmo2 = family_test("olmo2", {}, {"num_key_value_heads": None, "attention_bias": True})
